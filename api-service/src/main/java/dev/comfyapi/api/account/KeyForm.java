package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Scope;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What a body says about a key; what it leaves out is empty.
///
/// @param ipAllowlist empty when the body says nothing
record KeyForm(
        Optional<String> name,
        Optional<Role> role,
        Optional<List<Scope>> scopes,
        Optional<Instant> expiresAt,
        Optional<List<String>> ipAllowlist) {

    private static final int LONGEST_NAME = 100;
    private static final int MOST_NETWORKS = 50;

    /// Not to be used when the problems have become more.
    static KeyForm read(Members members, Clock clock) {
        var name = members.trimmedText("name", 1, LONGEST_NAME);
        var role = role(members);
        var scopes = scopes(members);
        if (members.has("role") && members.has("scopes")) {
            members.problems()
                    .add(members.pointer("scopes"), "conflict", "must not be given with a role");
        }
        var expires = members.time("expires_at");
        if (expires.isPresent() && !expires.get().isAfter(clock.instant())) {
            members.problems()
                    .add(members.pointer("expires_at"), "out_of_range", "must be in the future");
        }
        var networks = networks(members);
        members.notOffered("allowed_templates", "limits");
        return new KeyForm(name, role, scopes, expires, networks);
    }

    /// What the key may do in the end, when it was this before.
    Set<Scope> granted(@Nullable Set<Scope> before) {
        return role.map(Role::scopes)
                .or(() -> scopes.map(Set::copyOf))
                .orElse(before == null ? Set.of() : before);
    }

    static Optional<Role> role(Members members) {
        var word = members.text("role", 1, 64);
        var role = word.flatMap(Role::ofWire);
        if (word.isPresent() && role.isEmpty()) {
            var known = Arrays.stream(Role.values()).map(Role::wire).toList();
            members.problems()
                    .add(
                            members.pointer("role"),
                            "invalid_value",
                            "must be one of " + String.join(", ", known),
                            Map.of("allowed", known));
        }
        return role;
    }

    private static Optional<List<Scope>> scopes(Members members) {
        if (!members.has("scopes")) {
            return Optional.empty();
        }
        var known = Scope.values();
        var scopes = new ArrayList<Scope>();
        for (var element : members.elements("scopes", 1, known.length)) {
            var scope =
                    element.value().isString()
                            ? Scope.ofWire(element.value().stringValue())
                            : Optional.<Scope>empty();
            if (scope.isEmpty()) {
                members.problems()
                        .add(
                                element.pointer(),
                                "invalid_value",
                                "must be one of "
                                        + Arrays.stream(known)
                                                .map(Scope::wire)
                                                .collect(Collectors.joining(", ")));
            } else if (!scopes.contains(scope.get())) {
                scopes.add(scope.get());
            }
        }
        return Optional.of(scopes);
    }

    private static Optional<List<String>> networks(Members members) {
        if (!members.has("ip_allowlist")) {
            return Optional.empty();
        }
        var networks = new ArrayList<String>();
        for (var element : members.elements("ip_allowlist", 0, MOST_NETWORKS)) {
            if (element.value().isString()
                    && Network.parse(element.value().stringValue()).isPresent()) {
                networks.add(element.value().stringValue());
            } else {
                members.problems()
                        .add(
                                element.pointer(),
                                "invalid_value",
                                "must be a network such as 10.0.0.0/8 or 2001:db8::/32");
            }
        }
        return Optional.of(networks);
    }
}

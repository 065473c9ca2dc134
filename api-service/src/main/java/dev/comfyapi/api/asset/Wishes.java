package dev.comfyapi.api.asset;

import dev.comfyapi.api.http.Members;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// What a client says about a file it brings.
///
/// @param filename for display
/// @param expectedSha256 of what is sent, in hex; null when the client does not care
/// @param lifetime from now; null for ever
record Wishes(
        String purpose,
        @Nullable String filename,
        @Nullable String expectedSha256,
        @Nullable Duration lifetime,
        List<String> tags) {

    private static final String USUAL = "input";
    private static final Set<String> OFFERED = Set.of(USUAL, "mask", "control");
    private static final Set<String> LATER = Set.of("dataset", "model", "workflow");
    private static final Pattern HASH = Pattern.compile("sha256:([0-9a-fA-F]{64})");
    private static final Pattern LATER_HASH = Pattern.compile("blake3:[0-9a-fA-F]{64}");

    Wishes {
        tags = List.copyOf(tags);
    }

    /// For a file that comes with a job.
    static Wishes forA(Duration lifetime) {
        return new Wishes(USUAL, null, null, lifetime, List.of());
    }

    /// Reads the members and notes what is wrong with them; those that are not about these wishes
    /// are the caller's.
    static Wishes read(Members members) {
        return new Wishes(
                purpose(members),
                members.text("filename", 1, 1_000).flatMap(DisplayName::of).orElse(null),
                hash(members),
                members.integer("expires_in", 60, 604_800).map(Duration::ofSeconds).orElse(null),
                members.texts("tags", 20, 100));
    }

    private static String purpose(Members members) {
        var purpose = members.text("purpose", 1, 100).orElse(USUAL);
        if (LATER.contains(purpose)) {
            members.addNotOffered("purpose");
        } else if (!OFFERED.contains(purpose)) {
            members.problems()
                    .add(
                            members.pointer("purpose"),
                            "invalid_value",
                            "must be input, mask or control",
                            Map.of("allowed", List.of(USUAL, "mask", "control")));
        }
        return purpose;
    }

    private static @Nullable String hash(Members members) {
        var hash = members.text("expected_hash", 1, 100).orElse(null);
        if (hash == null) {
            return null;
        }
        var matcher = HASH.matcher(hash);
        if (matcher.matches()) {
            return matcher.group(1).toLowerCase(java.util.Locale.ROOT);
        }
        if (LATER_HASH.matcher(hash).matches()) {
            members.addNotOffered("expected_hash");
        } else {
            members.problems()
                    .add(
                            members.pointer("expected_hash"),
                            "invalid_value",
                            "must be sha256: and 64 hex digits");
        }
        return null;
    }
}

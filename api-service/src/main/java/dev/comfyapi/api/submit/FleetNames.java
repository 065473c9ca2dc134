package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Similar;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Checks names in requests against what the fleet has.
final class FleetNames {

    static final int LONGEST = 255;

    private static final int MOST_SIMILAR = 5;

    private FleetNames() {}

    /// Reads a required member that names a file of one of ComfyUI's model folders.
    static Optional<String> file(
            PoolCatalogue fleet, Members members, String member, String folder) {
        members.require(member);
        var file = members.text(member, 1, LONGEST);
        file.filter(name -> isRelative(members, member, folder, name))
                .filter(name -> fleet.isKnown() && !fleet.canRun(List.of(folder + "/" + name)))
                .ifPresent(name -> refuseMissing(members, member, name, fleet.names(folder)));
        return file;
    }

    /// Whether the name stays inside the folder; says so if it does not.
    static boolean isRelative(Members members, String member, String folder, String file) {
        if (!file.startsWith("/") && !List.of(file.split("[/\\\\]", -1)).contains("..")) {
            return true;
        }
        members.problems()
                .add(
                        members.pointer(member),
                        "invalid_value",
                        "must be a file name relative to ComfyUI's %s folder".formatted(folder),
                        Map.of("folder", folder));
        return false;
    }

    /// Says that no live worker has this file.
    static void refuseMissing(
            Members members, String member, String file, Collection<String> known) {
        var similar = Similar.near(file, known, MOST_SIMILAR);
        members.problems()
                .add(
                        members.pointer(member),
                        "model_not_available",
                        similar.isEmpty()
                                ? "is on no live worker"
                                : "is on no live worker; similar are " + String.join(", ", similar),
                        Map.of("requested", file, "similar", similar));
    }

    /// Says that nobody knows this name.
    static void refuseUnknown(
            Members members, String member, String name, Collection<String> known) {
        var similar = Similar.near(name, known, MOST_SIMILAR);
        members.problems()
                .add(
                        members.pointer(member),
                        "invalid_value",
                        similar.isEmpty()
                                ? "is not a known " + member
                                : "is not a known %s; similar are %s"
                                        .formatted(member, String.join(", ", similar)),
                        Map.of("requested", name, "similar", similar));
    }
}

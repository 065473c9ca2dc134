package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.InvalidMember;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// Whether the deadlines of a job leave it any time at all.
final class Deadlines {

    private static final String CODE = "conflicting_deadlines";

    private Deadlines() {}

    /// What no job could keep; empty when all is well.
    ///
    /// @param runAfter scheduled start; null for at once
    static Optional<InvalidMember> contradiction(
            @Nullable Instant runAfter, @Nullable Instant startBy, @Nullable Instant finishBy) {
        if (startBy != null && runAfter != null && !startBy.isAfter(runAfter)) {
            return Optional.of(member("start_within_s", "is over before run_after", "run_after"));
        }
        if (finishBy != null && runAfter != null && !finishBy.isAfter(runAfter)) {
            return Optional.of(member("finish_within_s", "is over before run_after", "run_after"));
        }
        if (finishBy != null && startBy != null && startBy.isAfter(finishBy)) {
            return Optional.of(
                    member(
                            "finish_within_s",
                            "is over before the time to start is",
                            "start_within_s"));
        }
        return Optional.empty();
    }

    /// A mistake in a member of this name at the top of a body.
    private static InvalidMember member(String name, String detail, String other) {
        return new InvalidMember("#/" + name, CODE, detail, Map.of("other", other));
    }
}

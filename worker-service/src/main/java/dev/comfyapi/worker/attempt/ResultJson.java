package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.Artifact;
import dev.comfyapi.model.job.JobError;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

import java.util.List;

/// What `job.result` and `job.error` hold. Part of the database's contract: the API reads it.
final class ResultJson {

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .build();

    /// @param reused whether ComfyUI ran nothing but the writing of the files
    private record Result(boolean reused, List<Artifact> artifacts) {}

    private record Failure(
            String message,
            @Nullable String nodeId,
            @Nullable String classType,
            @Nullable String exceptionType,
            int attempt) {}

    private ResultJson() {}

    static String of(List<Artifact> artifacts, boolean reused) {
        return JSON.writeValueAsString(new Result(reused, artifacts));
    }

    static String of(JobError error, int attempt) {
        return JSON.writeValueAsString(
                new Failure(
                        error.message(),
                        error.nodeId(),
                        error.classType(),
                        error.exceptionType(),
                        attempt));
    }
}

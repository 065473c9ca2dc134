package dev.comfyapi.api.submit;

import com.fasterxml.jackson.annotation.JsonIgnore;

import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.job.JobView;

import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.UUID;

/// What `/generate/batch` answers: the batch with its jobs.
///
/// @param status `queued` until one runs, `completed` when all have ended
/// @param failed jobs that failed or expired, and items that were refused
/// @param jobs in the order of the requests
@Schema(name = "GenerateBatch")
record GenerateBatchView(
        UUID batchId,
        String status,
        int total,
        long queued,
        long running,
        long completed,
        long failed,
        long canceled,
        @ArraySchema(schema = @Schema(anyOf = {JobView.class, RefusedItem.class}))
                List<Object> jobs) {

    GenerateBatchView {
        jobs = List.copyOf(jobs);
    }

    /// An item of a partial batch that could not become a job.
    ///
    /// @param index its place among the requests, from 0
    @Schema(name = "RefusedItem")
    record RefusedItem(@Nullable UUID jobId, String status, int index, Refusal error) {

        static RefusedItem of(int index, List<InvalidMember> errors) {
            return new RefusedItem(
                    null,
                    "failed",
                    index,
                    new Refusal(
                            "validation_failed",
                            "%d members are not valid.".formatted(errors.size()),
                            false,
                            "client",
                            errors));
        }
    }

    @Schema(name = "Refusal")
    record Refusal(
            String code,
            String message,
            boolean retryable,
            String fault,
            List<InvalidMember> errors) {
        Refusal {
            errors = List.copyOf(errors);
        }
    }

    static GenerateBatchView of(UUID batch, List<Object> items) {
        long running = count(items, "running");
        long queued = count(items, "queued", "scheduled");
        var status = running > 0 ? "running" : queued > 0 ? "queued" : "completed";
        return new GenerateBatchView(
                batch,
                status,
                items.size(),
                queued,
                running,
                count(items, "succeeded"),
                count(items, "failed", "expired"),
                count(items, "canceled"),
                items);
    }

    private static long count(List<Object> items, String... statuses) {
        return items.stream().filter(item -> List.of(statuses).contains(status(item))).count();
    }

    private static String status(Object item) {
        return switch (item) {
            case JobView job -> job.status();
            case RefusedItem refused -> refused.status();
            default -> throw new IllegalArgumentException("not an item of a batch: " + item);
        };
    }

    @JsonIgnore
    boolean isFinal() {
        return status.equals("completed");
    }
}

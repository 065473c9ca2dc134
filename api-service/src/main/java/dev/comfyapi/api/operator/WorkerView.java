package dev.comfyapi.api.operator;

import dev.comfyapi.db.operator.OperatedWorkerStore.Held;
import dev.comfyapi.db.operator.OperatedWorkerStore.Worker;
import dev.comfyapi.model.job.LeaseStage;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A worker as operators see it.
///
/// @param id of its newest process: another after each start
/// @param name the same over restarts
/// @param wish what an operator wants of it: `work`, `drain` or `quarantine`
/// @param gpus as ComfyUI says
/// @param loadedModel the main model it ran last
/// @param leases the jobs it has
/// @param capacity how many jobs it runs at one time
/// @param canRestart whether `restart` is possible
/// @param pending what was asked for and waits until nothing runs: `restart`, `free_memory`
/// @param heartbeatAt its newest sign of life
/// @param fault what is wrong with its ComfyUI; null when nothing is
@Schema(name = "Worker")
record WorkerView(
        long id,
        String name,
        String pool,
        @Schema(types = "object") JsonNode labels,
        @Schema(
                        allowableValues = {
                            "starting",
                            "idle",
                            "busy",
                            "draining",
                            "quarantined",
                            "offline"
                        })
                String status,
        String wish,
        List<Gpu> gpus,
        String comfyuiVersion,
        @Nullable String loadedModel,
        List<Lease> leases,
        int capacity,
        boolean canRestart,
        List<String> pending,
        Instant heartbeatAt,
        Instant registeredAt,
        @Nullable Fault fault) {

    private static final JsonMapper JSON = JsonMapper.shared();

    WorkerView {
        gpus = List.copyOf(gpus);
        leases = List.copyOf(leases);
        pending = List.copyOf(pending);
    }

    @Schema(name = "WorkerGpu")
    record Gpu(@Nullable String name, @Nullable Integer vramTotalMb) {}

    /// A job that a worker has.
    ///
    /// @param attempt which attempt of the job it is
    /// @param state `assigned`, `running` or `storing`
    /// @param canceled whether its client has ended it, and the worker is to stop
    @Schema(name = "WorkerLease")
    record Lease(
            UUID jobId,
            int attempt,
            String state,
            double progress,
            Instant assignedAt,
            @Nullable Instant startedAt,
            boolean canceled) {

        private static Lease of(Held held) {
            return new Lease(
                    held.job().value(),
                    held.epoch(),
                    word(held.stage()),
                    held.progress(),
                    held.assignedAt(),
                    held.startedAt(),
                    held.canceled());
        }

        private static String word(LeaseStage stage) {
            return switch (stage) {
                case ASSIGNED -> "assigned";
                case RUNNING -> "running";
                case STORING -> "storing";
            };
        }
    }

    @Schema(name = "WorkerFault")
    record Fault(String code, String detail) {

        private static @Nullable Fault of(Worker worker) {
            @Nullable String code = worker.fault();
            return code == null || worker.gone() ? null : new Fault(code, detail(code));
        }

        private static String detail(String code) {
            return switch (code) {
                case "comfyui_away" -> "ComfyUI does not answer; jobs are taken when it is back.";
                case "comfyui_hung" ->
                        "A prompt in ComfyUI does not stop when told to; jobs are taken when its queue"
                                + " is empty or it was restarted.";
                case "comfyui_quarantined" ->
                        "ComfyUI or its GPU is broken; jobs are taken after a restart of ComfyUI.";
                case "comfyui_resting" ->
                        "ComfyUI spoiled several jobs in a row and is given none for a while.";
                default -> "Something is wrong with its ComfyUI.";
            };
        }
    }

    static WorkerView of(Worker worker) {
        var pending = new java.util.ArrayList<String>();
        if (worker.restartAsked()) {
            pending.add("restart");
        }
        if (worker.freeAsked()) {
            pending.add("free_memory");
        }
        return new WorkerView(
                worker.id(),
                worker.name(),
                worker.pool(),
                JSON.readTree(worker.labels()),
                worker.status().wire(),
                worker.mode().wire(),
                worker.gpu() == null && worker.vramMb() == null
                        ? List.of()
                        : List.of(new Gpu(worker.gpu(), worker.vramMb())),
                worker.comfyui(),
                worker.loaded(),
                worker.leases().stream().map(Lease::of).toList(),
                1,
                worker.canRestart(),
                pending,
                worker.lastSeen(),
                worker.registeredAt(),
                Fault.of(worker));
    }
}

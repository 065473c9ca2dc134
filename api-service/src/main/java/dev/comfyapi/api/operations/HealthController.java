package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.DatabaseTrouble;
import dev.comfyapi.api.http.Open;
import dev.comfyapi.api.http.Version;
import dev.comfyapi.api.stream.JobWatch;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.messaging.MessageSender;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// How the service and what it depends on are.
@RestController
@Tag(name = "operations")
final class HealthController {

    private static final Logger LOG = LoggerFactory.getLogger(HealthController.class);

    private final FleetStore fleet;
    private final MessageSender sender;
    private final JobWatch watch;
    private final ArtifactStore artifacts;
    private final Migrations migrations;
    private final Clock clock;

    HealthController(
            FleetStore fleet,
            MessageSender sender,
            JobWatch watch,
            ArtifactStore artifacts,
            Migrations migrations,
            Clock clock) {
        this.fleet = fleet;
        this.sender = sender;
        this.watch = watch;
        this.artifacts = artifacts;
        this.migrations = migrations;
        this.clock = clock;
    }

    /// @param status `healthy`; `degraded` when jobs are accepted but may have to wait; `down` when
    ///   none can be accepted
    record Health(
            String status,
            String apiVersion,
            String comfyuiStatus,
            Instant timestamp,
            Components components) {}

    @Schema(name = "HealthComponents")
    record Components(
            Component database,
            Component kafka,
            Component storage,
            @Nullable Workers workers,
            @Nullable Queue queue) {}

    @Schema(name = "HealthComponent")
    record Component(String status, @Nullable Long latencyMs) {}

    @Schema(name = "HealthWorkers")
    record Workers(int idle, int busy, int draining, int offline) {}

    @Schema(name = "HealthQueue")
    record Queue(long queued, long running, @Nullable Long oldestWaitS) {}

    record Liveness(String status) {}

    record Ping(boolean ok) {}

    @Open
    @GetMapping(path = "/ping", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Answer, looking at nothing")
    Ping ping() {
        return new Ping(true);
    }

    @Open
    @GetMapping(path = "/healthz", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Whether the process lives")
    Liveness alive() {
        return new Liveness("alive");
    }

    @Open
    @GetMapping(path = "/readyz", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Whether this instance should get requests")
    @ApiResponse(responseCode = "200", description = "It should")
    @ApiResponse(responseCode = "503", description = "It should not: the database is away")
    ResponseEntity<Liveness> ready() {
        boolean ready = migrations.isDone() && summary().isPresent();
        return ready
                ? ResponseEntity.ok(new Liveness("ready"))
                : ResponseEntity.status(503)
                        .header("Retry-After", "2")
                        .body(new Liveness("not_ready"));
    }

    @Open
    @GetMapping(path = "/health", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "How the service and its parts are",
            description =
                    "`degraded` (no live worker, or Kafka away) still accepts and keeps jobs.")
    @ApiResponse(responseCode = "200", description = "Jobs are accepted")
    @ApiResponse(responseCode = "503", description = "The database is away")
    ResponseEntity<Health> health() {
        long start = System.nanoTime();
        var summary = summary();
        long latency = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        boolean kafka = sender.isReachable() && watch.isConnected();
        boolean storage = isStorageUp();
        boolean connected = summary.filter(s -> s.idle() + s.busy() > 0).isPresent();
        var status =
                summary.isEmpty() || !migrations.isDone()
                        ? "down"
                        : kafka && storage && connected ? "healthy" : "degraded";
        var health =
                new Health(
                        status,
                        Version.NAME,
                        connected ? "connected" : "disconnected",
                        clock.instant(),
                        new Components(
                                new Component(
                                        summary.isPresent() ? "up" : "down",
                                        summary.isPresent() ? (Long) latency : null),
                                new Component(kafka ? "up" : "down", null),
                                new Component(storage ? "up" : "down", null),
                                summary.map(HealthController::workers).orElse(null),
                                summary.map(HealthController::queue).orElse(null)));
        return status.equals("down")
                ? ResponseEntity.status(503).header("Retry-After", "2").body(health)
                : ResponseEntity.ok(health);
    }

    private Optional<FleetStore.Summary> summary() {
        try {
            return Optional.of(fleet.summary());
        } catch (DataAccessException e) {
            LOG.debug("Health: {}", DatabaseTrouble.summary(e));
            return Optional.empty();
        }
    }

    private boolean isStorageUp() {
        try {
            artifacts.check();
            return true;
        } catch (IOException e) {
            LOG.warn("The artifact store cannot be written: {}", e.toString());
            return false;
        }
    }

    private static Workers workers(FleetStore.Summary summary) {
        return new Workers(summary.idle(), summary.busy(), summary.draining(), summary.offline());
    }

    private static Queue queue(FleetStore.Summary summary) {
        return new Queue(
                summary.queued() + summary.delayed(),
                summary.running(),
                summary.oldestWaitSeconds());
    }
}

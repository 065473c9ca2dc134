package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/// Follows one job to its end by its event stream. A stream that breaks is taken up where it broke
/// off, on whichever instance answers then; the end comes from the job itself.
final class Follow {

    private static final int TRIES = 30;

    private final Service service;
    private final Terminal terminal;

    Follow(Service service, Terminal terminal) {
        this.service = service;
        this.terminal = terminal;
    }

    /// The finished job.
    JsonNode toEnd(String job, String task) throws ServiceException, InterruptedException {
        try (var bar = Bar.start(terminal, task)) {
            @Nullable String seen = null;
            for (int attempt = 1; attempt <= TRIES; attempt++) {
                try (var events = service.events("/api/v1/jobs/" + job + "/events", seen)) {
                    if (events == null) {
                        break;
                    }
                    for (var event = events.next(); event != null; event = events.next()) {
                        attempt = 1;
                        seen = event.id() == null ? seen : event.id();
                        show(bar, Service.JSON.readTree(event.data()));
                        if (event.name().equals("done")) {
                            return service.get("/api/v1/jobs/" + job);
                        }
                    }
                } catch (IOException _) {
                    // Connected again below.
                }
                TimeUnit.MILLISECONDS.sleep(Math.min(2000, 200L * attempt));
            }
        }
        var state = service.get("/api/v1/jobs/" + job);
        if (state.path("finished_at").isNull()) {
            throw new ServiceException(
                    ExitCode.UNAVAILABLE,
                    "The connection is lost; job %s goes on. Later: comfyapi watch %s"
                            .formatted(job, job));
        }
        return state;
    }

    private static void show(Bar bar, JsonNode data) {
        var fraction = data.path("progress").asDouble(0);
        switch (data.path("type").asString("")) {
            case "status" -> bar.show(fraction, standing(data));
            case "progress" -> bar.show(fraction, data.path("message").asString("running"));
            case "done" -> bar.show(1, data.path("status").asString(""));
            default -> {
                // Previews and artifacts: the files are fetched at the end.
            }
        }
    }

    private static String standing(JsonNode data) {
        var status = data.path("status").asString("");
        var phase = data.path("phase").asString("");
        return phase.isEmpty() ? status : status + ", " + phase.replace('_', ' ');
    }
}

package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import tools.jackson.databind.JsonNode;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Many requests from a file, submitted in one call: all of them or none.
@Command(
        name = "batch",
        description = "Run a file with one request in each line (JSON Lines).",
        mixinStandardHelpOptions = true)
final class RunBatch extends ServiceCommand {

    private static final String BATCHES = "/api/v1/batches";

    @Parameters(
            paramLabel = "FILE",
            description =
                    "Lines such as {\"custom_id\": \"fox-1\", \"prompt\": \"a fox\", \"seed\": 1}.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description = "Save the results here; without it the links are printed.")
    private @Nullable Path output;

    @Option(names = "--name", description = "Your word for it.")
    private @Nullable String name;

    @Option(
            names = "--max-concurrency",
            paramLabel = "JOBS",
            description = "Most of its jobs that wait in the queue or run at one time.")
    private @Nullable Integer maxConcurrency;

    @Option(names = "--fail-fast", description = "Cancel the rest when one fails.")
    private boolean failFast;

    @Option(names = "--detach", description = "Do not wait: print the batch's id and end.")
    private boolean detach;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var batch = service.createLines(BATCHES + query(), file);
        var id = batch.path("batch_id").asString("");
        if (detach) {
            if (program().wantsJson()) {
                program().print(batch);
            } else {
                terminal().out().println(id);
            }
            return ExitCode.DONE;
        }
        var giveUp = new Thread(() -> cancel(service, id), "cancel");
        Runtime.getRuntime().addShutdownHook(giveUp);
        try {
            follow(service, batch);
        } finally {
            removeHook(giveUp);
        }
        return results(service, id);
    }

    private String query() {
        var options = new ArrayList<String>();
        if (name != null) {
            options.add("name=" + URLEncoder.encode(name, StandardCharsets.UTF_8));
        }
        if (maxConcurrency != null) {
            options.add("max_concurrency=" + maxConcurrency);
        }
        if (failFast) {
            options.add("fail_fast=true");
        }
        return options.isEmpty() ? "" : "?" + String.join("&", options);
    }

    private void follow(Service service, JsonNode accepted)
            throws ServiceException, InterruptedException {
        var batch = accepted;
        try (var bar = Bar.start(terminal(), "Batch")) {
            while (batch.path("finished_at").isNull()) {
                bar.show(batch.path("progress").asDouble(0), standing(batch.path("counts")));
                batch =
                        service.get(
                                "%s/%s?wait_s=1"
                                        .formatted(BATCHES, batch.path("batch_id").asString()));
            }
            bar.show(1, batch.path("status").asString("").replace('_', ' '));
        }
    }

    private static String standing(JsonNode counts) {
        var words = new ArrayList<String>();
        words.add(
                "%d of %d"
                        .formatted(
                                counts.path("total").asInt(0)
                                        - counts.path("queued").asInt(0)
                                        - counts.path("running").asInt(0),
                                counts.path("total").asInt(0)));
        for (var kind : List.of("running", "failed", "canceled", "expired")) {
            int count = counts.path(kind).asInt(0);
            if (count > 0) {
                words.add("%d %s".formatted(count, kind));
            }
        }
        return String.join(", ", words);
    }

    /// What succeeded, then what did not; each in the order in which it ended.
    private ExitCode results(Service service, String id)
            throws ServiceException, InterruptedException {
        var results = new Results(service, program());
        var worst = ExitCode.DONE;
        for (var kind : List.of("results", "errors")) {
            var path = "%s/%s/%s.jsonl".formatted(BATCHES, id, kind);
            for (var line : service.lines(path)) {
                var came = results.of(job(Service.JSON.readTree(line)), output, output != null);
                worst = came == ExitCode.DONE ? worst : came;
            }
        }
        return worst;
    }

    /// In the form of a job.
    private static JsonNode job(JsonNode line) {
        var job = Service.JSON.createObjectNode();
        for (var member : List.of("custom_id", "job_id", "status", "error")) {
            job.set(member, line.path(member));
        }
        job.putObject("result").set("artifacts", line.path("artifacts"));
        return job;
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The process is ending: the hook runs already.
        }
    }

    private void cancel(Service service, String id) {
        try {
            service.post("%s/%s/cancel".formatted(BATCHES, id));
            terminal().err().println("\nBatch " + id + " is canceled.");
        } catch (ServiceException e) {
            terminal().err().println("\nBatch " + id + " goes on: " + e.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}

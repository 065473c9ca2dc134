package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Many requests from a file. All are submitted before the first is waited for, so that every GPU
/// has work.
@Command(
        name = "batch",
        description = "Run a file with one request in each line (JSON Lines).",
        mixinStandardHelpOptions = true)
final class RunBatch extends ServiceCommand {

    private static final int MOST = 10_000;

    @Parameters(
            paramLabel = "FILE",
            description = "Lines such as {\"prompt\": \"a fox\", \"seed\": 1}.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description = "Save the results here; without it the links are printed.")
    private @Nullable Path output;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var requests = read(file);
        var jobs = submit(service, requests);
        var results = new Results(service, program());
        var worst = ExitCode.DONE;
        try (var bar = Bar.start(terminal(), "Batch")) {
            for (int i = 0; i < jobs.size(); i++) {
                bar.show((double) i / jobs.size(), "%d of %d".formatted(i, jobs.size()));
                var came = results.of(awaitEnd(service, jobs.get(i)), output, output != null);
                worst = came == ExitCode.DONE ? worst : came;
            }
        }
        return worst;
    }

    private List<String> submit(Service service, List<JsonNode> requests)
            throws ServiceException, InterruptedException {
        var jobs = new ArrayList<String>();
        try (var bar = Bar.start(terminal(), "Submitting")) {
            for (var request : requests) {
                try {
                    var job = service.create("/api/v1/jobs", request);
                    jobs.add(job.path("job_id").asString(""));
                } catch (ServiceException e) {
                    throw new ServiceException(
                            e.exitCode(),
                            "Line %d: %s%n%d jobs before it are submitted and go on."
                                    .formatted(jobs.size() + 1, e.getMessage(), jobs.size()));
                }
                bar.show((double) jobs.size() / requests.size(), jobs.size() + " submitted");
            }
        }
        return jobs;
    }

    private static JsonNode awaitEnd(Service service, String id)
            throws ServiceException, InterruptedException {
        while (true) {
            var job = service.get("/api/v1/jobs/" + id + "?wait_s=30");
            if (!job.path("finished_at").isNull()) {
                return job;
            }
        }
    }

    private static List<JsonNode> read(Path file) throws ServiceException {
        var requests = new ArrayList<JsonNode>();
        try (var lines = Files.newBufferedReader(file)) {
            int number = 0;
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    requests.add(parse(line, number));
                }
                if (requests.size() > MOST) {
                    throw refused("%s has more than %d requests".formatted(file, MOST));
                }
            }
        } catch (IOException _) {
            throw refused("%s cannot be read".formatted(file));
        }
        if (requests.isEmpty()) {
            throw refused("%s has no request".formatted(file));
        }
        return requests;
    }

    private static JsonNode parse(String line, int number) throws ServiceException {
        try {
            return Service.JSON.readTree(line);
        } catch (JacksonException e) {
            throw refused("Line %d is no JSON: %s".formatted(number, e.getOriginalMessage()));
        }
    }

    private static ServiceException refused(String why) {
        return new ServiceException(ExitCode.REFUSED, why);
    }
}

package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Lists jobs in pages that stay what they are while jobs come and go.
@Component
final class JobList {

    private static final int USUAL = 50;
    private static final int MOST = 200;
    private static final int MOST_OFFSET = 1_000;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");
    private static final Set<String> KNOWN =
            new TreeSet<>(Set.of("limit", "cursor", "status", "offset", "order"));

    private final Jobs jobs;
    private final Cursors cursors;

    JobList(Jobs jobs, Cursors cursors) {
        this.jobs = jobs;
        this.cursors = cursors;
    }

    /// @param parameters of the request
    JobPage page(int tenant, Map<String, String[]> parameters, String base) {
        refuseUnknown(parameters);
        var statuses = statuses(parameters.get("status"));
        int limit = Math.min(MOST, number(parameters, "limit", USUAL));
        if (limit < 1) {
            throw bad("limit", "must be at least 1");
        }
        int offset = number(parameters, "offset", 0);
        var cursor = one(parameters, "cursor");
        if (offset > MOST_OFFSET || (offset > 0 && cursor != null)) {
            throw bad("offset", "must be at most 1000 and without a cursor; use cursors to go on");
        }
        var order = one(parameters, "order");
        if (order != null && !order.equals("desc")) {
            throw bad("order", "must be desc: this version lists the newest first");
        }

        var scope = tenant + "/" + statuses;
        @Nullable JobId before = cursor == null ? null : cursors.open(cursor, scope);
        var found =
                jobs.list(tenant, new JobStore.Filter(statuses, before, offset + limit + 1), base);
        var shown = found.stream().skip(offset).limit(limit).toList();
        boolean more = found.size() > offset + limit;
        return new JobPage(
                shown, more ? cursors.after(new JobId(shown.getLast().jobId()), scope) : null);
    }

    private static void refuseUnknown(Map<String, String[]> parameters) {
        for (var name : parameters.keySet()) {
            if (!KNOWN.contains(name)) {
                throw bad(
                        name.length() > 64 ? name.substring(0, 64) : name,
                        "is not known here; known are " + String.join(", ", KNOWN));
            }
        }
    }

    private static List<JobStatus> statuses(String @Nullable [] values) {
        if (values == null) {
            return List.of();
        }
        return Arrays.stream(values)
                .flatMap(value -> Arrays.stream(value.split(",", -1)))
                .map(word ->
                        JobStatus.ofWire(word)
                                .orElseThrow(() ->
                                        bad(
                                                "status",
                                                "must be one of "
                                                        + Arrays.stream(JobStatus.values())
                                                                .map(JobStatus::wire)
                                                                .toList())))
                .distinct()
                .sorted()
                .toList();
    }

    private static int number(Map<String, String[]> parameters, String name, int usual) {
        var text = one(parameters, name);
        if (text == null) {
            return usual;
        }
        if (!NUMBER.matcher(text).matches()) {
            throw bad(name, "must be a number");
        }
        return Integer.parseInt(text);
    }

    private static @Nullable String one(Map<String, String[]> parameters, String name) {
        var values = parameters.get(name);
        if (values == null) {
            return null;
        }
        if (values.length > 1) {
            throw bad(name, "must be given once");
        }
        return values[0];
    }

    private static ApiProblem bad(String name, String words) {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(name, words))
                .with("parameter", name);
    }
}

package dev.comfyapi.api.job;

import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobStore.Order;
import dev.comfyapi.db.job.JobStore.Part;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import tools.jackson.databind.json.JsonMapper;

import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Lists jobs in pages that stay what they are while jobs come and go.
@Component
final class JobList {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int USUAL = 50;
    private static final int MOST = 200;
    private static final int MOST_OFFSET = 1_000;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");
    private static final Set<String> OF_THE_PAGE = Set.of("limit", "cursor", "offset", "order");
    private static final String KNOWN =
            "batch_id, created_after, created_before, cursor, error_code, limit, metadata[key],"
                    + " offset, order, status, tag, worker";

    private final Jobs jobs;
    private final Cursors cursors;

    JobList(Jobs jobs, Cursors cursors) {
        this.jobs = jobs;
        this.cursors = cursors;
    }

    /// @param parameters of the request
    JobPage page(int tenant, Map<String, String[]> parameters, String base) {
        refuseUnknown(parameters);
        var filter = JobFilters.of(parameters);
        int limit = Math.min(MOST, number(parameters, "limit", USUAL));
        if (limit < 1) {
            throw JobFilters.bad("limit", "must be at least 1");
        }
        var cursor = JobFilters.one(parameters, "cursor");
        int offset = offset(parameters, filter, cursor);
        var order = order(JobFilters.one(parameters, "order"));

        var scope = "%d/%s/%s".formatted(tenant, order, JSON.writeValueAsString(filter));
        @Nullable JobId after = cursor == null ? null : cursors.open(cursor, scope);
        var found = jobs.list(tenant, filter, new Part(order, after, offset + limit + 1), base);
        var shown = found.jobs().stream().skip(offset).limit(limit).toList();
        boolean more = found.jobs().size() > offset + limit;
        @Nullable JobId last = more ? new JobId(shown.getLast().jobId()) : found.lookedTo();
        return new JobPage(shown, last == null ? null : cursors.after(last, scope));
    }

    /// How many to leave out. Not with a filter, which may stop before it has found so many.
    private static int offset(
            Map<String, String[]> parameters, JobFilter filter, @Nullable String cursor) {
        int offset = number(parameters, "offset", 0);
        if (offset > MOST_OFFSET || (offset > 0 && (cursor != null || !filter.isEmpty()))) {
            throw JobFilters.bad(
                    "offset",
                    "must be at most 1000 and without a cursor or filter; use cursors to go on");
        }
        return offset;
    }

    private static Order order(@Nullable String word) {
        return switch (word) {
            case null -> Order.NEWEST_FIRST;
            case "desc" -> Order.NEWEST_FIRST;
            case "asc" -> Order.OLDEST_FIRST;
            default -> throw JobFilters.bad("order", "must be asc or desc");
        };
    }

    private static void refuseUnknown(Map<String, String[]> parameters) {
        for (var name : parameters.keySet()) {
            if (!OF_THE_PAGE.contains(name) && !JobFilters.isPart(name)) {
                throw JobFilters.bad(name, "is not known here; known are " + KNOWN);
            }
        }
    }

    private static int number(Map<String, String[]> parameters, String name, int usual) {
        var text = JobFilters.one(parameters, name);
        if (text == null) {
            return usual;
        }
        if (!NUMBER.matcher(text).matches()) {
            throw JobFilters.bad(name, "must be a number");
        }
        return Integer.parseInt(text);
    }
}

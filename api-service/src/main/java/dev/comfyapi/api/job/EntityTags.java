package dev.comfyapi.api.job;

import jakarta.servlet.http.HttpServletRequest;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/// Revisions as entity tags.
final class EntityTags {

    private static final Pattern REVISION = Pattern.compile("(?:W/)?\"r([0-9]{1,18})\"");

    private EntityTags() {}

    static String of(JobView job) {
        return "\"r%d\"".formatted(job.revision());
    }

    /// Whether a client that wants the job to be one of these finds it so; it may also send none.
    ///
    /// @param wanted values of `If-Match`
    static boolean allow(List<String> wanted, JobView job) {
        return wanted.isEmpty()
                || wanted.stream()
                        .flatMap(header -> Arrays.stream(header.split(",", -1)))
                        .map(String::strip)
                        .anyMatch(tag -> tag.equals("*") || tag.equals(of(job)));
    }

    /// The revision that the client has seen. The newest one when it names several; empty when it
    /// names none of ours.
    static OptionalLong seen(HttpServletRequest request) {
        return Collections.list(request.getHeaders("If-None-Match")).stream()
                .flatMap(header -> REVISION.matcher(header).results())
                .mapToLong(match -> Long.parseLong(match.group(1)))
                .max();
    }
}

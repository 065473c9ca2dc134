package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import jakarta.servlet.http.HttpServletRequest;

import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The header `Cancel-After`, another way to say `finish_within_s`: `30s`, `5m`, `1h30m`, or
/// seconds.
final class CancelAfter {

    static final String HEADER = "Cancel-After";

    private static final Pattern SPAN =
            Pattern.compile(
                    "(?=[0-9])(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,9})s)?|([0-9]{1,9})");

    private CancelAfter() {}

    /// The same requests, with the deadline that the header sets.
    ///
    /// @throws ApiProblem when the header has no valid form, or no request can keep what it says
    static List<CheckedRequest> on(
            List<CheckedRequest> requests, HttpServletRequest request, Clock clock) {
        var span = span(request);
        return span.isEmpty()
                ? requests
                : requests.stream().map(checked -> with(checked, span.get(), clock)).toList();
    }

    private static Optional<Duration> span(HttpServletRequest request) {
        var headers = Collections.list(request.getHeaders(HEADER));
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        var match = SPAN.matcher(headers.getFirst().strip());
        if (headers.size() > 1 || !match.matches()) {
            throw bad();
        }
        var span =
                Duration.ofHours(number(match, 1))
                        .plusMinutes(number(match, 2))
                        .plusSeconds(number(match, 3) + number(match, 4));
        if (span.isZero() || span.compareTo(JobTerms.LONGEST_FINISH) > 0) {
            throw bad();
        }
        return Optional.of(span);
    }

    private static long number(Matcher match, int group) {
        return match.group(group) == null ? 0 : Long.parseLong(match.group(group));
    }

    private static ApiProblem bad() {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER,
                        "The header %s must be sent once, as a time such as 30s or 5m of at most %d days."
                                .formatted(HEADER, JobTerms.LONGEST_FINISH.toDays()))
                .with("parameter", HEADER);
    }

    private static CheckedRequest with(CheckedRequest checked, Duration span, Clock clock) {
        var known = checked.finishWithin();
        if (known != null && !known.equals(span)) {
            throw conflict("%s and finish_within_s do not say the same.".formatted(HEADER));
        }
        var finishing = checked.finishingWithin(span);
        finishing
                .contradiction(clock.instant())
                .ifPresent(found -> {
                    throw conflict("What %s says %s.".formatted(HEADER, found.detail()));
                });
        return finishing;
    }

    private static ApiProblem conflict(String detail) {
        return ApiProblem.of(ProblemCode.CONFLICTING_DEADLINES, detail).with("parameter", HEADER);
    }
}

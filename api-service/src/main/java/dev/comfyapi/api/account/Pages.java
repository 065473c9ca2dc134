package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.model.job.JobId;

import java.util.UUID;

/// What the lists of this feature have in common.
final class Pages {

    private Pages() {}

    /// How many to show: what was asked for, but no more than so many.
    static int limit(int asked, int most) {
        if (asked < 1) {
            throw ApiProblem.of(
                            ProblemCode.BAD_PARAMETER, "The parameter limit must be at least 1.")
                    .with("parameter", "limit");
        }
        return Math.min(asked, most);
    }

    /// Ids have one form, whatever they are of; what is none is nobody's.
    static UUID id(String text) {
        return JobId.parse(text).orElseThrow(ApiProblem::notFound).value();
    }
}

package dev.comfyapi.api.asset;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.artifact.RefusedFileException;

/// Says in the words of the contract why a file was not taken.
final class Refusals {

    private Refusals() {}

    /// The machine word of an invalid member.
    static String code(RefusedFileException.Reason reason) {
        return switch (reason) {
            case TYPE -> "unsupported_media_type";
            case TOO_MANY_PIXELS -> "too_many_pixels";
            case ANIMATED -> "not_supported";
            case BROKEN, TRAILING -> "invalid_image";
        };
    }

    static ApiProblem of(RefusedFileException refused, String pointer) {
        var words = String.valueOf(refused.getMessage());
        return refused.reason() == RefusedFileException.Reason.TYPE
                ? ApiProblem.of(ProblemCode.UNSUPPORTED_MEDIA_TYPE, "The file " + words + ".")
                : invalid(pointer, code(refused.reason()), words);
    }

    static ApiProblem of(ImportRefusedException refused) {
        var words = String.valueOf(refused.getMessage());
        return switch (refused.reason()) {
            case ADDRESS -> ApiProblem.of(ProblemCode.URL_NOT_ALLOWED, "The URL " + words + ".");
            case SIZE -> ApiProblem.of(ProblemCode.PAYLOAD_TOO_LARGE, "The file " + words + ".");
            case ANSWER -> invalid("#/url", ContentReferences.code(refused.reason()), words);
        };
    }

    static ApiProblem of(HashMismatchException mismatch) {
        var actual = "sha256:" + mismatch.actual();
        return ApiProblem.of(
                        ProblemCode.HASH_MISMATCH,
                        "The file that arrived has %s.".formatted(actual))
                .with("actual", actual);
    }

    private static ApiProblem invalid(String pointer, String code, String words) {
        var problems = new Problems();
        problems.add(pointer, code, words);
        return ApiProblem.invalid(problems.all());
    }
}

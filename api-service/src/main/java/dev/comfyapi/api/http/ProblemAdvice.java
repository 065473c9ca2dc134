package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpMethod;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.multipart.MultipartException;

import java.io.IOException;
import java.util.Optional;

/// The one place where exceptions become answers.
@RestControllerAdvice
final class ProblemAdvice {

    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

    @ExceptionHandler
    void answer(Exception failure, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (failure instanceof AsyncRequestNotUsableException
                || failure.getClass().getSimpleName().equals("ClientAbortException")) {
            return;
        }
        ProblemWriter.write(request, response, problem(failure, request));
    }

    private static ApiProblem problem(Exception failure, HttpServletRequest request) {
        return switch (failure) {
            case ApiProblem problem -> problem;
            case HttpRequestMethodNotSupportedException wrong -> methodNotAllowed(wrong);
            case HttpMediaTypeNotAcceptableException _ ->
                    ApiProblem.of(
                            ProblemCode.NOT_ACCEPTABLE,
                            "Nothing here has a type that the request accepts.");
            case HttpMediaTypeNotSupportedException _ ->
                    ApiProblem.of(
                            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
                            "The body has to be application/json.");
            case MissingServletRequestParameterException missing ->
                    badParameter(missing.getParameterName());
            case MethodArgumentTypeMismatchException mismatch -> badParameter(mismatch.getName());
            case InvalidParameterException broken ->
                    ApiProblem.of(
                            ProblemCode.ofStatus(broken.getErrorCode()),
                            "The parameters are not encoded as they have to be.");
            case MultipartException _ ->
                    ApiProblem.of(
                            ProblemCode.BAD_REQUEST,
                            "The body is not well-formed multipart/form-data.");
            // Spring's own, when it looks for what to say of an address that does not exist.
            case IllegalArgumentException _ when isNoType(request.getContentType()) ->
                    ApiProblem.of(ProblemCode.BAD_REQUEST, "The body's type is none.");
            case Exception away when DatabaseTrouble.isIn(away) -> away(away, request);
            case ErrorResponse error when error.getStatusCode().is4xxClientError() ->
                    ApiProblem.of(
                            ProblemCode.ofStatus(error.getStatusCode().value()),
                            error.getStatusCode().value() == 404
                                    ? "There is nothing here."
                                    : "The request cannot be answered.");
            default -> mistake(failure, request);
        };
    }

    private static boolean isNoType(@Nullable String contentType) {
        return contentType != null && contentType.contains("*");
    }

    private static ApiProblem methodNotAllowed(HttpRequestMethodNotSupportedException wrong) {
        var allowed =
                Optional.ofNullable(wrong.getSupportedHttpMethods()).stream()
                        .flatMap(methods -> methods.stream().map(HttpMethod::name))
                        .sorted()
                        .toList();
        return ApiProblem.of(
                        ProblemCode.METHOD_NOT_ALLOWED,
                        "%s is not allowed here.".formatted(wrong.getMethod()))
                .with("allowed", allowed)
                .header("Allow", String.join(", ", allowed));
    }

    private static ApiProblem badParameter(String name) {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER,
                        "The parameter %s is missing or not valid.".formatted(name))
                .with("parameter", name);
    }

    private static ApiProblem away(Exception failure, HttpServletRequest request) {
        LOG.warn(
                "{} {} was answered with 503, the database does not answer: {}",
                request.getMethod(),
                request.getRequestURI(),
                DatabaseTrouble.summary(failure));
        return ApiProblem.of(
                        ProblemCode.TEMPORARILY_OVERLOADED,
                        "The database does not answer just now.")
                .header("Retry-After", "2");
    }

    private static ApiProblem mistake(Exception failure, HttpServletRequest request) {
        LOG.error("{} {} failed", request.getMethod(), request.getRequestURI(), failure);
        return ApiProblem.of(
                ProblemCode.INTERNAL,
                "The request %s failed; it was logged.".formatted(RequestId.of(request)));
    }
}

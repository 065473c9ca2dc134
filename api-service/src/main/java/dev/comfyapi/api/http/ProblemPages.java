package dev.comfyapi.api.http;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

/// Explains the problems that the service answers with, where their `type` points to.
@RestController
@Tag(name = "problems", description = "What the codes in errors mean")
final class ProblemPages {

    /// @param retryable whether the same request may succeed later
    record Explanation(
            String code, int status, String title, String explanation, boolean retryable) {

        static Explanation of(ProblemCode code) {
            return new Explanation(
                    code.wire(),
                    code.status(),
                    code.title(),
                    code.explanation(),
                    code.isRetryable());
        }
    }

    @Open
    @GetMapping(path = "/problems/{code}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Explain a problem code")
    Explanation explain(@PathVariable("code") String code) {
        return ProblemCode.ofWire(code).map(Explanation::of).orElseThrow(ApiProblem::notFound);
    }

    @Open
    @GetMapping(path = "/problems/{code}", produces = MediaType.TEXT_HTML_VALUE)
    ResponseEntity<String> explainToBrowser(@PathVariable("code") String code) {
        var page = explain(code);
        return ResponseEntity.ok()
                .body(
                        """
                        <!doctype html>
                        <html lang="en"><meta charset="utf-8"><title>%s</title>
                        <h1>%s</h1>
                        <p><code>%s</code>, HTTP %d</p>
                        <p>%s</p>
                        </html>
                        """
                                .formatted(
                                        HtmlUtils.htmlEscape(page.title()),
                                        HtmlUtils.htmlEscape(page.title()),
                                        page.code(),
                                        page.status(),
                                        HtmlUtils.htmlEscape(page.explanation())));
    }
}

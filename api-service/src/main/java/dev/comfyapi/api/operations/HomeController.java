package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.Open;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Version;
import dev.comfyapi.api.operator.FleetMetrics;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.swagger.v3.oas.annotations.Hidden;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;

/// The entrance: what is where, the metrics, and the pages for reading.
@RestController
@Tag(name = "operations")
final class HomeController {

    static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String REDOC =
            """
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <title>ComfyUI API Service</title>
              <style>body { margin: 0; }</style>
            </head>
            <body>
              <redoc spec-url="/openapi.json"></redoc>
              <script src="/webjars/redoc/redoc.standalone.js"></script>
            </body>
            </html>
            """;

    private final PrometheusMeterRegistry metrics;
    private final FleetMetrics fleet;

    HomeController(PrometheusMeterRegistry metrics, FleetMetrics fleet) {
        this.metrics = metrics;
        this.fleet = fleet;
    }

    record Home(String service, String version, String status, Map<String, String> links) {
        Home {
            links = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(links));
        }
    }

    @Open
    @GetMapping(path = "/", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "What is where")
    @ApiResponse(responseCode = "200", description = "For programs")
    @ApiResponse(
            responseCode = "302",
            description = "For browsers: to the pages for reading",
            headers = @Header(name = "Location"),
            content = {})
    Home home() {
        var links = new LinkedHashMap<String, String>();
        links.put("generate", "/api/v1/generate");
        links.put("jobs", "/api/v1/jobs");
        links.put("models", "/api/v1/models");
        links.put("health", "/health");
        links.put("metrics", "/metrics");
        links.put("docs", "/docs");
        links.put("redoc", "/redoc");
        links.put("usage", "/usage");
        links.put("openapi", "/openapi.json");
        links.put("openapi_yaml", "/openapi.yaml");
        links.put("asyncapi", "/asyncapi.yaml");
        return new Home("comfyui-api-service", Version.NAME, "running", links);
    }

    @Hidden
    @Open
    @GetMapping(path = "/", produces = MediaType.TEXT_HTML_VALUE)
    ResponseEntity<Void> homeForBrowsers() {
        return ResponseEntity.status(HttpStatus.FOUND).location(URI.create("/docs")).build();
    }

    @Requires(Scope.METRICS_READ)
    @GetMapping(path = "/metrics")
    @Operation(summary = "Metrics as Prometheus reads them")
    @ApiResponse(
            responseCode = "200",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_PLAIN_VALUE,
                            schema = @Schema(type = "string")))
    ResponseEntity<byte[]> metrics() {
        return ResponseEntity.ok()
                .header("Content-Type", METRICS_TYPE)
                .body(
                        fleet.during(metrics::scrape)
                                .getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    @Open
    @GetMapping(path = "/redoc", produces = MediaType.TEXT_HTML_VALUE)
    @Operation(summary = "The API, for reading")
    ResponseEntity<String> redoc() {
        return ResponseEntity.ok().body(REDOC);
    }
}

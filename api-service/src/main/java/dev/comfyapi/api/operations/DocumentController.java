package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.Open;

import io.swagger.v3.oas.annotations.Hidden;

import jakarta.servlet.http.HttpServletRequest;

import org.springdoc.webmvc.api.OpenApiWebMvcResource;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Locale;

/// The descriptions of the API in YAML: of requests and answers, and of messages. `/openapi.json`
/// is springdoc's own.
@Hidden
@RestController
final class DocumentController {

    private static final String OPENAPI = "/openapi.yaml";
    private static final String YAML = "application/yaml";

    private final OpenApiWebMvcResource documents;
    private final Resource asyncApi =
            new ClassPathResource("dev/comfyapi/model/message/asyncapi.yaml");

    DocumentController(OpenApiWebMvcResource documents) {
        this.documents = documents;
    }

    @Open
    @GetMapping(path = OPENAPI, produces = YAML)
    byte[] openApi(HttpServletRequest request, Locale locale) throws IOException {
        return documents.openapiYaml(request, OPENAPI, locale);
    }

    @Open
    @GetMapping(path = "/asyncapi.yaml", produces = YAML)
    Resource asyncApi() {
        return asyncApi;
    }
}

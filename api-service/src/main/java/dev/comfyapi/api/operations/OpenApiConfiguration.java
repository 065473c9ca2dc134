package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Version;

import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;

import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// The OpenAPI document: a title, who may call, and what all operations have in common.
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {

    private static final String DESCRIPTION =
            """
            Send a prompt, get a job id at once, and get the pictures when a GPU has made them.

            * No accepted job is lost, and none is reported twice.
            * Errors are problem details (RFC 9457); `code` is the stable word. An address that does
              not exist is answered with 404, one that does not have the method with 405 and `Allow`.
              500 is always a mistake of the service, and logged under `request_id`.
            * `HEAD` is answered as `GET` is, without a body; `OPTIONS` with `Allow`.
            * Clients must ignore members that they do not know: there may be more of them in time.
            * What is sent without being asked for (server-sent events, WebSocket frames, webhooks)
              is described in `/asyncapi.yaml`.
            * Send your API key as `Authorization: Bearer cas_...` or as `X-API-Key`. Each operation
              names the scope that the key needs.
            * `Idempotency-Key` makes every POST that submits jobs safe to repeat for 24 hours.
            """;

    private static final Set<String> BODILESS = Set.of("101", "204", "302", "304");
    private static final String KEY = "api_key";
    private static final String KEY_HEADER = "api_key_header";

    static {
        SpringDocUtils.getConfig().addRequestWrapperToIgnore(Caller.class);
    }

    @Bean
    OpenAPI openApi() {
        return new OpenAPI()
                .info(
                        new Info()
                                .title("ComfyUI API Service")
                                .version(Version.NAME)
                                .description(DESCRIPTION))
                .components(
                        new Components()
                                .addSecuritySchemes(
                                        KEY,
                                        new SecurityScheme()
                                                .type(SecurityScheme.Type.HTTP)
                                                .scheme("bearer")
                                                .description(scopeMeanings()))
                                .addSecuritySchemes(
                                        KEY_HEADER,
                                        new SecurityScheme()
                                                .type(SecurityScheme.Type.APIKEY)
                                                .in(SecurityScheme.In.HEADER)
                                                .name("X-API-Key")));
    }

    private static String scopeMeanings() {
        return Arrays.stream(Scope.values())
                .map(scope -> "* `%s`: %s".formatted(scope.wire(), scope.meaning()))
                .collect(
                        Collectors.joining(
                                "\n", "An API key, `cas_...`. What its scopes let it do:\n\n", ""));
    }

    /// Says of each operation which scope its caller needs; of an open one, nothing.
    @Bean
    OperationCustomizer scopes() {
        return (operation, method) -> {
            var required = method.getMethodAnnotation(Requires.class);
            if (required != null) {
                var scope = List.of(required.value().wire());
                operation.addSecurityItem(new SecurityRequirement().addList(KEY, scope));
                operation.addSecurityItem(new SecurityRequirement().addList(KEY_HEADER, scope));
            }
            return operation;
        };
    }

    @Bean
    ModelConverter absentMembers() {
        return new NullableMembers();
    }

    /// After everybody who adds operations or schemas.
    @Bean
    OpenApiCustomizer whatAllOperationsHave() {
        return document -> {
            takeBodiesAway(document);
            OperationIds.describe(document);
            ProblemAnswers.describe(document);
            WrittenMembers.require(document);
            document.getComponents().getSchemas().values().forEach(SnakeCase::rename);
            AnswerHeaders.describe(document);
            Examples.describe(document);
        };
    }

    /// Of answers that never have one, whatever the method returns otherwise.
    private static void takeBodiesAway(OpenAPI document) {
        document.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .flatMap(operation -> operation.getResponses().entrySet().stream())
                .filter(response -> BODILESS.contains(response.getKey()))
                .forEach(response -> response.getValue().setContent(null));
    }
}

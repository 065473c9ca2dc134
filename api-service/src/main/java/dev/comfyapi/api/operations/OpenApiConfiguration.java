package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Problem;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Version;

import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;

import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// The OpenAPI document: a title, and problems for every operation.
@Configuration(proxyBeanMethods = false)
class OpenApiConfiguration {

    private static final String DESCRIPTION =
            """
            Send a prompt, get a job id at once, and get the pictures when a GPU has made them.

            * No accepted job is lost, and none is reported twice.
            * Errors are problem details (RFC 9457); `code` is the stable word.
            * Send your API key as `Authorization: Bearer cas_...` or as `X-API-Key`. Each operation
              names the scope that the key needs.
            * `Idempotency-Key` makes every POST that submits jobs safe to repeat for 24 hours.
            """;

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
                add(operation, "401", "The request shows no good key");
                add(operation, "403", "The key does not have the scope " + required.value().wire());
                add(operation, "429", "Too many requests; repeat after `Retry-After`");
            }
            return operation;
        };
    }

    @Bean
    ModelConverter absentMembers() {
        return new NullableMembers();
    }

    @Bean
    OpenApiCustomizer problems() {
        return document -> {
            ModelConverters.getInstance(true)
                    .readAll(Problem.class)
                    .forEach(document.getComponents()::addSchemas);
            document.getComponents().getSchemas().values().forEach(SnakeCase::rename);
            document.getPaths()
                    .forEach((path, item) ->
                            item.readOperationsMap()
                                    .forEach((method, operation) ->
                                            addProblems(path, method.name(), operation)));
        };
    }

    private static void addProblems(String path, String method, Operation operation) {
        if (path.startsWith("/api/")) {
            add(operation, "400", "A header or parameter is not valid");
            add(operation, "503", "The database is away; repeat after `Retry-After`");
        }
        if (path.contains("{")) {
            add(operation, "404", "There is no such thing");
        }
        if (path.startsWith("/files/")) {
            add(operation, "403", "The link is not ours");
            add(operation, "410", "The link has expired");
            add(operation, "416", "The range is outside the file");
        }
        boolean changes = method.equals("PATCH");
        if ((changes || method.equals("POST")) && operation.getRequestBody() != null) {
            add(
                    operation,
                    "409",
                    changes
                            ? "It has ended and cannot be changed"
                            : "The first request with this idempotency key is not done, or the job"
                                    + " is not in a state for it");
            add(operation, "408", "The body came too slowly");
            add(operation, "413", "The body is too large");
            add(operation, "415", "The body is not JSON");
            add(operation, "422", "Members of the body are not valid; nothing was stored");
            add(operation, "403", "The caller may not ask for this");
        }
        if (changes) {
            add(operation, "412", "It has changed since it was read");
        }
        if (method.equals("POST") && path.matches("/api/v1/(generate|jobs|batches).*")) {
            add(operation, "429", "Too many jobs are waiting; repeat after `Retry-After`");
        }
        add(operation, "default", "Any other problem");
    }

    private static void add(Operation operation, String status, String description) {
        operation
                .getResponses()
                .putIfAbsent(
                        status,
                        new ApiResponse()
                                .description(description)
                                .content(
                                        new Content()
                                                .addMediaType(
                                                        "application/problem+json",
                                                        new MediaType()
                                                                .schema(
                                                                        new Schema<>()
                                                                                .$ref(
                                                                                        "#/components/schemas/Problem")))));
    }
}

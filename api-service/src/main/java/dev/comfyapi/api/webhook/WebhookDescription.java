package dev.comfyapi.api.webhook;

import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;

import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/// The `webhooks` of the OpenAPI document: what receivers get. Before the customizer that renames
/// the members of all schemas.
@Component
@Order(0)
final class WebhookDescription implements OpenApiCustomizer {

    @Override
    public void customise(OpenAPI document) {
        for (var message :
                List.of(WebhookBodies.JobMessage.class, WebhookBodies.BatchMessage.class)) {
            ModelConverters.getInstance(true)
                    .readAll(message)
                    .forEach((name, schema) ->
                            document.getComponents().getSchemas().putIfAbsent(name, schema));
        }
        document.addWebhooks(
                "job", new PathItem().post(message("JobMessage", "A job has ended, or begun")));
        document.addWebhooks(
                "batch",
                new PathItem().post(message("BatchMessage", "The last job of a batch has ended")));
    }

    private static Operation message(String schema, String summary) {
        return new Operation()
                .operationId(schema.substring(0, 1).toLowerCase(Locale.ROOT) + schema.substring(1))
                .addTagsItem("webhooks")
                .summary(summary)
                .description(
                        "Answer with any 2xx within 15 seconds. Anything else is a failure and is"
                                + " repeated under the same `webhook-id`; 410 disables the endpoint.")
                .addParametersItem(
                        header("webhook-id", "The same on every try and replay: tells repeats"))
                .addParametersItem(header("webhook-timestamp", "Seconds since 1970 of this try"))
                .addParametersItem(
                        header(
                                "webhook-signature",
                                "`v1,…` or `v1a,…` of `id.timestamp.body`, several separated by"
                                        + " spaces"))
                .requestBody(
                        new RequestBody()
                                .required(true)
                                .content(
                                        new Content()
                                                .addMediaType(
                                                        "application/json",
                                                        new MediaType()
                                                                .schema(
                                                                        new Schema<>()
                                                                                .$ref(
                                                                                        "#/components/schemas/"
                                                                                                + schema)))))
                .responses(
                        new ApiResponses()
                                .addApiResponse("2XX", new ApiResponse().description("Delivered")));
    }

    private static Parameter header(String name, String description) {
        return new Parameter()
                .in("header")
                .name(name)
                .required(true)
                .description(description)
                .schema(new Schema<>().types(Set.of("string")));
    }
}

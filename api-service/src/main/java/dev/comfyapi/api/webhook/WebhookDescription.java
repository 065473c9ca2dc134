package dev.comfyapi.api.webhook;

import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;

import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

/// The `webhooks` of the OpenAPI document: what receivers get. Before the customizer that renames
/// the members of all schemas.
@Component
@Order(0)
final class WebhookDescription implements OpenApiCustomizer {

    @Override
    public void customise(OpenAPI document) {
        ModelConverters.getInstance(true)
                .readAll(WebhookBodies.JobMessage.class)
                .forEach((name, schema) ->
                        document.getComponents().getSchemas().putIfAbsent(name, schema));
        document.addWebhooks("job", new PathItem().post(message()));
    }

    private static Operation message() {
        return new Operation()
                .operationId("jobMessage")
                .addTagsItem("webhooks")
                .summary("A job has ended, or begun")
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
                                                                                        "#/components/schemas/JobMessage")))))
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
                .schema(new StringSchema());
    }
}

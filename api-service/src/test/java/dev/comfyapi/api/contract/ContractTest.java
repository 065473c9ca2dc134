package dev.comfyapi.api.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The OpenAPI document. That every answer of any test is as it says is seen to by [Api#send].
class ContractTest {

    /// What controllers of ours serve and the document does not list, with the reason.
    private static final Map<String, String> HIDDEN =
            Map.of(
                    "any /error", "where the container sends its own errors; no client asks for it",
                    "GET /openapi.yaml", "the document itself",
                    "GET /asyncapi.yaml", "the document of messages");

    /// Their examples name hosts, jobs and users that are not there.
    private static final Set<String> NOT_THERE =
            Set.of(
                    "/api/v1/assets/import",
                    "/api/v1/webhook-endpoints",
                    "/api/v1/ws-tickets",
                    "/api/v1/auth/register",
                    "/api/v1/auth/token",
                    "/api/v1/auth/refresh",
                    "/api/v1/auth/password-reset");

    private static final String BODY_EXAMPLES = "/requestBody/content/application~1json/examples";

    private static final Pattern LOADED =
            Pattern.compile("(?:src|href|spec-url)=\"([^\"]*)\"|url\\(([^)]*)\\)");

    private final Api api = Api.shared();
    private final Contract contract;

    ContractTest() throws IOException, InterruptedException {
        contract = api.contract();
    }

    @Test
    void every_route_is_an_operation_and_every_operation_a_route() {
        var mapped = new TreeSet<String>();
        api.bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .forEach((mapping, method) -> {
                    if (method.getBeanType().getName().startsWith("dev.comfyapi")) {
                        routes(mapping).forEach(mapped::add);
                    }
                });

        var listed = contract.operations().stream().map(Contract.Operation::name).toList();

        assertThat(mapped).hasSizeGreaterThan(60).containsAll(HIDDEN.keySet());
        mapped.removeAll(HIDDEN.keySet());
        assertThat(listed).containsExactlyInAnyOrderElementsOf(mapped);
        assertThat(contract.document().path("openapi").stringValue()).startsWith("3.1");
    }

    private static Stream<String> routes(RequestMappingInfo mapping) {
        var methods = mapping.getMethodsCondition().getMethods();
        return mapping.getPatternValues().stream()
                .map(path -> path.replace("{*", "{"))
                .flatMap(path ->
                        methods.isEmpty()
                                ? Stream.of("any " + path)
                                : methods.stream().map(method -> method + " " + path));
    }

    /// Clients that were generated earlier call their methods by these names.
    @Test
    void operations_are_named_after_method_and_path() {
        var names =
                contract.operations().stream()
                        .collect(
                                Collectors.toMap(
                                        Contract.Operation::name,
                                        operation ->
                                                operation
                                                        .description()
                                                        .path("operationId")
                                                        .stringValue()));

        assertThat(names.values())
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("[a-z]+[A-Z][0-9A-Za-z]*"));
        assertThat(names)
                .containsEntry("GET /api/v1/jobs/{job_id}", "getJobsByJobId")
                .containsEntry("POST /api/v1/ws-tickets", "postWsTickets")
                .containsEntry("GET /models", "getRootModels");
    }

    @Test
    void yaml_says_the_same_as_json() {
        var yaml = api.get("/openapi.yaml");
        var json = (ObjectNode) api.get("/openapi.json").json();

        assertThat(yaml.header("Content-Type")).startsWith("application/yaml");
        assertThat(new YAMLMapper().readTree(yaml.response().body())).isEqualTo(json);
    }

    @Test
    void clients_do_not_decide_how_many_documents_are_kept() {
        var english = api.get("/openapi.json").text();

        for (var language : List.of("de", "fr-CH", "x-anything")) {
            assertThat(api.get("/openapi.json", "Accept-Language", language).text())
                    .isEqualTo(english);
        }
        assertThat(api.get("/ping", "Accept-Language", "de").header("Content-Language")).isNull();
    }

    @Test
    void every_operation_says_what_it_is_and_has_examples_that_are_valid() {
        var wrong = new ArrayList<String>();
        for (var operation : contract.operations()) {
            var description = operation.description();
            if (description.path("summary").asString("").isEmpty()
                    || description.path("tags").isEmpty()) {
                wrong.add(operation.name() + " has no summary or tag");
            }
            for (var parameter : description.path("parameters")) {
                if (contract.resolve(parameter).path("schema").isEmpty()) {
                    wrong.add(operation.name() + " does not describe " + parameter.path("name"));
                }
            }
            examples(operation.name(), description.path("requestBody"), wrong);
            for (var response : description.path("responses").properties()) {
                examples(
                        operation.name() + " " + response.getKey(),
                        contract.resolve(response.getValue()),
                        wrong);
            }
        }

        assertThat(wrong).isEmpty();
    }

    private void examples(String where, JsonNode body, List<String> wrong) {
        for (var type : body.path("content").properties()) {
            if (!type.getKey().endsWith("json")) {
                continue;
            }
            var schema = type.getValue().path("schema");
            var examples = new TreeMap<String, JsonNode>();
            type.getValue()
                    .path("examples")
                    .properties()
                    .forEach(example ->
                            examples.put(
                                    example.getKey(),
                                    contract.resolve(example.getValue()).path("value")));
            if (type.getValue().has("example")) {
                examples.put("example", type.getValue().path("example"));
            }
            if (examples.isEmpty()) {
                wrong.add(
                        "%s has no example of %s; add it to examples.json"
                                .formatted(where, schema));
            }
            examples.forEach((name, example) ->
                    contract.errors(schema, example)
                            .forEach(
                                    error -> wrong.add("%s %s: %s".formatted(where, name, error))));
        }
    }

    /// Where nothing has to be there before.
    @Test
    void examples_of_bodies_are_accepted() {
        try (var own = Api.fresh("--comfyapi.auth.users.enabled=true")) {
            own.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            for (var operation : contract.operations()) {
                var examples = operation.description().at(BODY_EXAMPLES);
                if (operation.path().contains("{") || NOT_THERE.contains(operation.path())) {
                    continue;
                }
                for (var example : examples.properties()) {
                    var body = contract.resolve(example.getValue()).path("value").toString();
                    var answer = own.post(operation.path() + "?wait_s=0", body);
                    assertThat(answer.status())
                            .as("%s: %s", operation.name(), answer.text())
                            .isLessThan(300);
                }
            }
        }
    }

    @Test
    void every_header_is_described_with_an_example() {
        for (var header : contract.document().at("/components/headers").properties()) {
            assertThat(header.getValue().path("description").asString(""))
                    .as(header.getKey())
                    .isNotEmpty();
            assertThat(header.getValue().has("example")).as(header.getKey()).isTrue();
        }
    }

    @Test
    void an_answer_that_is_not_described_is_found() {
        var job = api.submitted();
        var good = api.get("/api/v1/jobs/" + job);
        var more = (ObjectNode) good.json();
        more.put("more", 1);
        var less = (ObjectNode) good.json();
        less.remove("status");

        assertThatCode(() -> check(good, 200, good.text())).doesNotThrowAnyException();
        assertThatThrownBy(() -> check(good, 418, good.text())).hasMessageContaining("status");
        assertThatThrownBy(() -> check(good, 200, more.toString())).hasMessageContaining("more");
        assertThatThrownBy(() -> check(good, 200, less.toString())).hasMessageContaining("status");
        assertThatThrownBy(() -> check(good, 200, "{")).hasMessageContaining("JSON");
        assertThatThrownBy(() -> check(good, 404, good.text()))
                .hasMessageContaining("not described");
        assertThatThrownBy(() ->
                        contract.check(
                                "GET",
                                "/api/v1/jobs/" + job,
                                Contract.Answer.of(
                                        200,
                                        Map.of("Content-Type", List.of("application/json")),
                                        good.response().body())))
                .hasMessageContaining("missing");
    }

    private void check(Api.Answer like, int status, String body) {
        contract.check(
                "GET",
                like.response().uri().getPath(),
                new Contract.Answer(status, like.response().headers().map(), body));
    }

    @Test
    void problems_have_codes_that_are_known() {
        var problem = api.get("/api/v1/jobs/nonsense");
        var other = (ObjectNode) problem.json();
        other.put("code", "nobody_knows");

        assertThatCode(() -> check(problem, 404, problem.text())).doesNotThrowAnyException();
        assertThatThrownBy(() -> check(problem, 404, other.toString()))
                .hasMessageContaining("code");
        other.put("code", "not_found").put("status", 400);
        assertThatThrownBy(() -> check(problem, 404, other.toString()))
                .hasMessageContaining("another status");
    }

    /// What a page loads, and what that loads, is served here; besides, the browser is told to load
    /// nothing from elsewhere.
    @Test
    void the_pages_for_reading_load_nothing_from_elsewhere() {
        var swagger = String.valueOf(api.get("/docs").header("Location"));
        for (var page : List.of(swagger, "/redoc")) {
            var answer = api.get(page);
            assertThat(answer.status()).as(page).isEqualTo(200);
            assertThat(answer.header("Content-Security-Policy"))
                    .as(page)
                    .contains("default-src 'self'", "script-src 'self'")
                    .doesNotContain("http");
            var loaded = loaded(page, answer.text());
            assertThat(loaded).as(page).isNotEmpty();
            for (var resource : loaded) {
                var found = api.get(resource);
                assertThat(found.status()).as(resource).isEqualTo(200);
                if (resource.endsWith(".css")) {
                    loaded(resource, found.text())
                            .forEach(inner ->
                                    assertThat(api.get(inner).status()).as(inner).isEqualTo(200));
                }
            }
        }
    }

    private List<String> loaded(String base, String text) {
        return LOADED.matcher(text)
                .results()
                .map(match -> match.group(1) == null ? match.group(2) : match.group(1))
                .map(address -> address.replaceAll("[\"']", ""))
                // Pictures inside the page, and places in it.
                .filter(address -> !address.startsWith("data:") && !address.startsWith("#"))
                .map(address -> URI.create(base).resolve(address))
                .peek(address -> assertThat(address.getHost()).as(base).isNull())
                .map(URI::getPath)
                .distinct()
                .toList();
    }
}

package dev.comfyapi.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// As much of the containers as can be checked where there is no container engine: what the files
/// name has to exist.
class ComposeFileTest {

    private static final Path CHECKOUT = Path.of("..");

    @Test
    void every_image_that_is_built_has_its_target_and_every_other_is_pinned() throws Exception {
        var targets = targets();

        for (var service : services().entrySet()) {
            if (service.getValue().get("build") instanceof Map<?, ?> build) {
                assertThat(build.get("dockerfile")).isEqualTo("deploy/Dockerfile");
                assertThat(targets).contains(Objects.toString(build.get("target")));
            } else {
                assertThat(Objects.toString(service.getValue().get("image")))
                        .as(service.getKey())
                        .matches("[a-z/]+:\\d+\\.\\d+.*");
            }
        }
        assertThat(services()).containsKeys("postgres", "kafka", "api-service", "worker-service");
    }

    @Test
    void every_variable_of_ours_sets_a_property_that_exists() throws Exception {
        var known = new HashSet<String>();
        known.addAll(List.of("COMFYAPI_KAFKA_SERVERS", "SERVER_ADDRESS"));
        known.addAll(
                List.of(
                        "SPRING_DATASOURCE_URL",
                        "SPRING_DATASOURCE_USERNAME",
                        "SPRING_DATASOURCE_PASSWORD"));
        for (var module : List.of("api-service", "worker-service")) {
            known.addAll(variablesOf(module));
        }

        for (var service : List.of("api-service", "worker-service")) {
            var environment =
                    (Map<?, ?>) services().getOrDefault(service, Map.of()).get("environment");
            assertThat(environment).isNotNull();
            assertThat(known)
                    .containsAll(environment.keySet().stream().map(Objects::toString).toList());
        }
    }

    @Test
    void nothing_runs_as_root_and_nothing_listens_beyond_this_machine() throws Exception {
        var dockerfile = Files.readString(CHECKOUT.resolve("deploy/Dockerfile"));
        var runtime = dockerfile.substring(dockerfile.indexOf(" AS runtime"));

        assertThat(runtime.substring(0, runtime.indexOf("\nFROM"))).contains("USER 10001");
        assertThat(runtime.substring(runtime.indexOf("\nFROM"))).doesNotContain("USER ");
        for (var service : services().values()) {
            if (service.get("ports") instanceof List<?> ports) {
                assertThat(ports).allMatch(port -> port.toString().startsWith("127.0.0.1:"));
            }
        }
    }

    @Test
    void what_the_images_copy_is_what_the_build_makes() throws Exception {
        var dockerfile = Files.readString(CHECKOUT.resolve("deploy/Dockerfile"));

        for (var module : List.of("api-service", "worker-service", "comfyui-simulator")) {
            assertThat(dockerfile)
                    .contains(
                            module.equals("comfyui-simulator")
                                    ? module + "/target/" + module + "-exec.jar"
                                    : "$app/target/$app-exec.jar");
            var pom = Files.readString(CHECKOUT.resolve(module).resolve("pom.xml"));
            assertThat(pom)
                    .contains(
                            "<finalName>" + module + "</finalName>",
                            "<classifier>exec</classifier>");
        }
    }

    @Test
    void every_variable_the_file_asks_for_is_explained_in_the_example() throws Exception {
        var asked =
                Pattern.compile("\\$\\{([A-Z_]+)")
                        .matcher(Files.readString(CHECKOUT.resolve("docker-compose.yml")))
                        .results()
                        .map(match -> match.group(1))
                        .collect(Collectors.toSet());

        var example = Files.readString(CHECKOUT.resolve(".env.example"));

        assertThat(asked).isNotEmpty().allMatch(example::contains);
        assertThat(example).containsPattern("(?m)^POSTGRES_PASSWORD=$");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Map<String, Object>> services() throws IOException {
        var yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
        Map<String, Object> file =
                yaml.load(Files.readString(CHECKOUT.resolve("docker-compose.yml")));
        return (Map<String, Map<String, Object>>) Objects.requireNonNull(file.get("services"));
    }

    private static Set<String> targets() throws IOException {
        return Files.readAllLines(CHECKOUT.resolve("deploy/Dockerfile")).stream()
                .filter(line -> line.startsWith("FROM "))
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .collect(Collectors.toSet());
    }

    /// As Spring Boot spells properties in the environment: upper case, dots as underscores, no
    /// dashes.
    private static Set<String> variablesOf(String module) throws IOException {
        var metadata =
                CHECKOUT.resolve(module)
                        .resolve("target/classes/META-INF/spring-configuration-metadata.json");
        var variables = new HashSet<String>();
        JsonMapper.shared()
                .readTree(Files.readString(metadata))
                .path("properties")
                .forEach(property ->
                        variables.add(
                                property.path("name")
                                        .stringValue()
                                        .toUpperCase(Locale.ROOT)
                                        .replace("-", "")
                                        .replace('.', '_')));
        return variables;
    }
}

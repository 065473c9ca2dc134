package dev.comfyapi.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.embedded.FreePort;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// `./start.sh` and the `curl` of its banner and of the README, as a newcomer runs them.
class StartScriptIT {

    private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();

    @TempDir Path folder;

    @Test
    void the_start_script_shows_a_curl_that_brings_a_picture_and_ctrl_c_leaves_no_process()
            throws Exception {
        int port = FreePort.find();
        var output = folder.resolve("output");
        var process = start(output, "PORT", Integer.toString(port));
        try {
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> Files.readString(output).contains("Ready in"));

            var curl = lineWith(Files.readString(output), "curl ");
            var answer = shell(curl);
            assertThat(answer).contains("\"succeeded\"");
            var client = new Client(URI.create("http://127.0.0.1:" + port));
            var url = Pattern.compile("\"image_url\" ?: ?\"([^\"]+)\"").matcher(answer);
            assertThat(url.find()).isTrue();
            assertThat(client.get(url.group(1)).image().getWidth()).isEqualTo(512);
            var readme = lineWith(Files.readString(CHECKOUT.resolve("README.md")), "curl -s http");
            assertThat(curl.replace(":" + port, ":8080")).isEqualTo(readme);
        } finally {
            process.destroy();
        }

        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(output)).contains("Stopped");
        assertThat(FreePort.isFree(port)).isTrue();
        assertThat(folder.resolve("data/postgres/postmaster.pid")).doesNotExist();
    }

    @Test
    void a_port_in_use_is_said_in_one_line() throws Exception {
        try (var taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            var output = folder.resolve("output");
            var process = start(output, "PORT", Integer.toString(taken.getLocalPort()));

            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(2);
            assertThat(Files.readAllLines(output))
                    .last()
                    .asString()
                    .contains("Port %d is in use".formatted(taken.getLocalPort()), "PORT=");
        }
    }

    @Test
    void a_comfyui_that_does_not_answer_is_said_in_one_line() throws Exception {
        var output = folder.resolve("output");
        var process =
                start(
                        output,
                        "PORT",
                        Integer.toString(FreePort.find()),
                        "COMFYUI_URLS",
                        "http://127.0.0.1:" + FreePort.find());

        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(2);
        assertThat(Files.readAllLines(output)).last().asString().contains("No ComfyUI answers at");
    }

    private Process start(Path output, String... environment) throws IOException {
        var builder =
                new ProcessBuilder(CHECKOUT.resolve("start.sh").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().put("DATA_DIR", folder.resolve("data").toString());
        for (int i = 0; i < environment.length; i += 2) {
            builder.environment().put(environment[i], environment[i + 1]);
        }
        return builder.start();
    }

    private static String lineWith(String text, String part) {
        return text.lines()
                .filter(line -> line.contains(part))
                .findFirst()
                .map(String::strip)
                .orElseThrow(() -> new AssertionError("no line with " + part + " in " + text));
    }

    private static String shell(String command) throws Exception {
        var process =
                new ProcessBuilder(List.of("bash", "-c", command))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        return new String(
                process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    }
}

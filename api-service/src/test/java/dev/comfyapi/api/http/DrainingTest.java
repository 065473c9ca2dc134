package dev.comfyapi.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;

class DrainingTest {

    @Test
    void clients_are_asked_to_close_their_connections_before_the_server_does() {
        try (var api = Api.fresh()) {
            var before = api.get("/ping");

            api.bean(Draining.class).stop();

            assertThat(before.header("Connection")).isNull();
            assertThat(api.get("/ping").status()).isEqualTo(200);
            assertThat(api.get("/ping").header("Connection")).isEqualTo("close");
            assertThat(api.get("/nope").header("Connection")).isEqualTo("close");
        }
    }
}

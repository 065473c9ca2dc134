package dev.comfyapi.worker.comfyui;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.function.Consumer;

/// ComfyUI, its health and its progress.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ComfyUiProperties.class)
public class ComfyUiConfiguration {

    @Bean(destroyMethod = "shutdownNow")
    HttpClient comfyUiClient() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(3))
                .build();
    }

    @Bean
    ComfyUi comfyUi(ComfyUiProperties properties, HttpClient comfyUiClient) {
        return new ComfyUi(properties.comfyuiUrl(), comfyUiClient);
    }

    @Bean
    ComfyUiHealth comfyUiHealth(ComfyUi comfyUi, ComfyUiProperties properties) {
        return new ComfyUiHealth(
                comfyUi,
                new RestartHook(properties.restartCommand(), properties.comfyuiUrl()),
                properties.rest());
    }

    @Bean
    ComfyUiSocket comfyUiSocket(
            ComfyUiProperties properties,
            HttpClient comfyUiClient,
            PromptOwner owner,
            Consumer<ComfyUiEvent> listener) {
        return new ComfyUiSocket(properties.comfyuiUrl(), comfyUiClient, owner, listener);
    }
}

package dev.comfyapi.worker.artifact;

import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.FolderArtifactStore;
import dev.comfyapi.worker.comfyui.ComfyUi;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The store and the way into it.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ArtifactProperties.class)
public class ArtifactConfiguration {

    @Bean
    ArtifactStore artifactStore(ArtifactProperties properties) {
        return new FolderArtifactStore(properties.folder());
    }

    @Bean
    ArtifactIntake artifactIntake(
            ComfyUi comfyUi, ArtifactStore artifactStore, ArtifactProperties properties) {
        return new ArtifactIntake(
                comfyUi, artifactStore, properties.largest().toBytes(), properties.stall());
    }

    @Bean
    Inputs inputs(ComfyUi comfyUi, ArtifactStore artifactStore) {
        return new Inputs(comfyUi, artifactStore);
    }
}

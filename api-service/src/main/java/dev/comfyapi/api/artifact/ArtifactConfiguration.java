package dev.comfyapi.api.artifact;

import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.FolderArtifactStore;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class ArtifactConfiguration {

    @Bean
    ArtifactStore artifactStore(ArtifactProperties properties) {
        return new FolderArtifactStore(properties.folder());
    }
}

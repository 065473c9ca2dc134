package dev.comfyapi.api.asset;

import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.db.asset.InputStore;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.net.InetAddress;

@Configuration(proxyBeanMethods = false)
class AssetConfiguration {

    @Bean
    AssetStore assetStore(JdbcClient jdbc) {
        return new AssetStore(jdbc);
    }

    @Bean
    InputStore inputStore(JdbcClient jdbc) {
        return new InputStore(jdbc);
    }

    @Bean
    GuardedFetch guardedFetch(AssetProperties properties) {
        return new GuardedFetch(InetAddress::getAllByName, properties);
    }
}

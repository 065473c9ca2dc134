package dev.comfyapi.worker;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// Where Postgres is.
///
/// @param url JDBC address; the schema in it is made by the API, never by a worker
@ConfigurationProperties("spring.datasource")
record DatabaseProperties(
        @DefaultValue("jdbc:postgresql://127.0.0.1:5432/comfyapi") String url,
        @Nullable String username,
        @Nullable String password) {

    DatabaseProperties {
        if (!url.startsWith("jdbc:postgresql:")) {
            throw new IllegalArgumentException(
                    "spring.datasource.url (%s) must be an address of Postgres".formatted(url));
        }
    }
}

package dev.comfyapi.api;

import dev.comfyapi.api.account.AdminKeyCommand;

import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.support.PropertiesLoaderUtils;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/// Gives the application its defaults with the lowest precedence of all.
///
/// Not an `application.properties`: the standalone program has several applications on one class
/// path, which would share the first file of that name, and a file would win over properties given
/// to the builder.
final class ApiDefaults implements EnvironmentPostProcessor {

    private static final String NAME = "defaultProperties";

    @Override
    public void postProcessEnvironment(
            ConfigurableEnvironment environment, SpringApplication application) {
        var started = application.getAllSources();
        if (!started.contains(ApiApplication.class)
                && !started.contains(AdminKeyCommand.Properties.class)) {
            return;
        }
        var defaults = read();
        var sources = environment.getPropertySources();
        if (sources.get(NAME) instanceof MapPropertySource given) {
            defaults.putAll(given.getSource());
            sources.remove(NAME);
        }
        sources.addLast(new MapPropertySource(NAME, defaults));
    }

    private static Map<String, Object> read() {
        try {
            var file =
                    PropertiesLoaderUtils.loadProperties(
                            new ClassPathResource("defaults.properties", ApiDefaults.class));
            var defaults = new LinkedHashMap<String, Object>();
            file.stringPropertyNames().forEach(key -> defaults.put(key, file.getProperty(key)));
            return defaults;
        } catch (IOException e) {
            throw new UncheckedIOException("The defaults of the API are not in its jar", e);
        }
    }
}

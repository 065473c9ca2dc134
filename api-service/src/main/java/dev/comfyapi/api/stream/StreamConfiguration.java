package dev.comfyapi.api.stream;

import org.apache.tomcat.websocket.server.WsSci;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.util.Set;

@Configuration(proxyBeanMethods = false)
class StreamConfiguration {

    /// Tomcat brings WebSockets along, but an embedded one does not look for them.
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> webSockets() {
        return factory ->
                factory.addContextCustomizers(
                        context -> context.addServletContainerInitializer(new WsSci(), Set.of()));
    }
}

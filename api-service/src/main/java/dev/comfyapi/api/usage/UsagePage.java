package dev.comfyapi.api.usage;

import dev.comfyapi.api.http.Open;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.core.io.ClassPathResource;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/// A page that shows usage to people. It holds no figures: it asks the API for them, with the key
/// that is typed in.
@RestController
@Tag(name = "accounts")
final class UsagePage implements WebMvcConfigurer {

    @Open
    @GetMapping(path = "/usage", produces = MediaType.TEXT_HTML_VALUE)
    @Operation(summary = "A page that draws what was used")
    ResponseEntity<String> page() throws IOException {
        return ResponseEntity.ok()
                .body(
                        new ClassPathResource("page/usage.html", UsagePage.class)
                                .getContentAsString(StandardCharsets.UTF_8));
    }

    @Override
    public void addResourceHandlers(ResourceHandlerRegistry registry) {
        registry.addResourceHandler("/usage/*")
                .addResourceLocations("classpath:/dev/comfyapi/api/usage/page/");
    }
}

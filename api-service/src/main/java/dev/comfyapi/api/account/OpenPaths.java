package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Open;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.http.server.PathContainer;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.ServletRequestPathUtils;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// The requests that need no key: those of operations with [Open], and the pages that describe the
/// API. Found once from the controllers themselves, so that there is no second list to keep.
///
/// Paths are compared by the parser that also finds the controllers. A request whose method the
/// open operation does not have is not open.
@Component
final class OpenPaths implements RequestMatcher {

    private static final List<String> PAGES =
            List.of(
                    "/docs",
                    "/docs/**",
                    "/swagger-ui/**",
                    "/openapi.json",
                    "/openapi.json/**",
                    "/usage/*",
                    "/webjars/**");

    private final ObjectProvider<RequestMappingHandlerMapping> controllers;
    private volatile @Nullable List<PathPattern> patterns;

    OpenPaths(ObjectProvider<RequestMappingHandlerMapping> controllers) {
        this.controllers = controllers;
    }

    @Override
    public boolean matches(HttpServletRequest request) {
        if (!request.getMethod().equals("GET") && !request.getMethod().equals("HEAD")) {
            return false;
        }
        PathContainer path =
                ServletRequestPathUtils.hasParsedRequestPath(request)
                        ? ServletRequestPathUtils.getParsedRequestPath(request)
                                .pathWithinApplication()
                        : ServletRequestPathUtils.parse(request).pathWithinApplication();
        return patterns().stream().anyMatch(pattern -> pattern.matches(path));
    }

    private List<PathPattern> patterns() {
        var known = patterns;
        if (known == null) {
            known =
                    Stream.concat(
                                    PAGES.stream().map(PathPatternParser.defaultInstance::parse),
                                    controllers.stream().flatMap(OpenPaths::open))
                            .toList();
            patterns = known;
        }
        return known;
    }

    private static Stream<PathPattern> open(RequestMappingHandlerMapping mapping) {
        return mapping.getHandlerMethods().entrySet().stream()
                .filter(entry -> entry.getValue().hasMethodAnnotation(Open.class))
                .map(Map.Entry::getKey)
                .flatMap(info -> info.getPatternValues().stream())
                .map(PathPatternParser.defaultInstance::parse);
    }
}

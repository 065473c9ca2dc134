package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Open;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.http.server.PathContainer;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import org.springframework.web.util.ServletRequestPathUtils;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
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
    private volatile @Nullable List<Door> doors;

    /// @param methods GET stands for HEAD as well
    private record Door(Set<String> methods, PathPattern path) {

        private static Door page(String path) {
            return new Door(Set.of("GET"), PathPatternParser.defaultInstance.parse(path));
        }
    }

    OpenPaths(ObjectProvider<RequestMappingHandlerMapping> controllers) {
        this.controllers = controllers;
    }

    @Override
    public boolean matches(HttpServletRequest request) {
        var method = request.getMethod().equals("HEAD") ? "GET" : request.getMethod();
        PathContainer path =
                ServletRequestPathUtils.hasParsedRequestPath(request)
                        ? ServletRequestPathUtils.getParsedRequestPath(request)
                                .pathWithinApplication()
                        : ServletRequestPathUtils.parse(request).pathWithinApplication();
        return doors().stream()
                .anyMatch(door -> door.methods.contains(method) && door.path.matches(path));
    }

    private List<Door> doors() {
        var known = doors;
        if (known == null) {
            known =
                    Stream.concat(
                                    PAGES.stream().map(Door::page),
                                    controllers.stream().flatMap(OpenPaths::open))
                            .toList();
            doors = known;
        }
        return known;
    }

    private static Stream<Door> open(RequestMappingHandlerMapping mapping) {
        return mapping.getHandlerMethods().entrySet().stream()
                .filter(entry -> entry.getValue().hasMethodAnnotation(Open.class))
                .map(Map.Entry::getKey)
                .flatMap(OpenPaths::doors);
    }

    /// What is mapped to any method is for reading.
    private static Stream<Door> doors(RequestMappingInfo info) {
        var named =
                info.getMethodsCondition().getMethods().stream()
                        .map(Enum::name)
                        .collect(Collectors.toSet());
        return info.getPatternValues().stream()
                .map(PathPatternParser.defaultInstance::parse)
                .map(path -> new Door(named.isEmpty() ? Set.of("GET") : named, path));
    }
}

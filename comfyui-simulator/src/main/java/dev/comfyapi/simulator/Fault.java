package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// One thing to go wrong, and what was said about it.
///
/// @param parameters as text, by their names in HTTP; what is missing has its standard value
public record Fault(FaultKind kind, Map<String, String> parameters) {

    /// @throws IllegalArgumentException if the kind of fault does not know such a parameter or
    ///   value
    public Fault {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        parameters.forEach((name, value) -> {
            var problem = problem(kind, name, value);
            if (problem.isPresent()) {
                throw new IllegalArgumentException(
                        "%s of %s %s".formatted(name, kind.word(), problem.get()));
            }
        });
    }

    /// A fault with nothing but standard values.
    public static Fault of(FaultKind kind) {
        return new Fault(kind, Map.of());
    }

    /// The same with one more thing said, for example `with("count", 3)`.
    public Fault with(String parameter, Object value) {
        var more = new LinkedHashMap<>(parameters);
        more.put(
                parameter,
                value instanceof Duration time ? time.toMillis() + "ms" : value.toString());
        return new Fault(kind, more);
    }

    /// What is wrong with a value, if anything.
    static Optional<String> problem(FaultKind kind, String name, String value) {
        var parameter = kind.parameter(name);
        if (parameter.isEmpty()) {
            return Optional.of("is not known");
        }
        return switch (parameter.get().type()) {
            case WHOLE ->
                    value.matches("[1-9]\\d{0,14}")
                            ? Optional.empty()
                            : Optional.of("must be a whole number from 1");
            case TIME ->
                    value.matches("\\d{1,12}ms|\\d{1,9}s|\\d{1,7}m")
                            ? Optional.empty()
                            : Optional.of("must be a time such as 500ms, 2s or 1m");
            case TEXT -> value.isBlank() ? Optional.of("must not be empty") : Optional.empty();
        };
    }

    Optional<String> text(String name) {
        var said = parameters.get(name);
        if (said != null) {
            return Optional.of(said);
        }
        return kind.parameter(name)
                .map(FaultKind.Parameter::standard)
                .filter(standard -> !standard.isEmpty());
    }

    /// For parameters that always have a value.
    long whole(String name) {
        return Long.parseLong(text(name).orElseThrow());
    }

    Optional<Duration> time(String name) {
        return text(name).map(SimulatorMain::duration);
    }

    /// Whether it concerns a request to this path.
    boolean concerns(String path) {
        return text("path").map(path::startsWith).orElse(true);
    }

    ObjectNode toJson() {
        var json = Json.object().put("fault", kind.word());
        parameters.forEach(json::put);
        return json;
    }
}

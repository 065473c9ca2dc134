package dev.comfyapi.api.http;

import java.util.Set;

/// Origins besides our own whose pages may call from a browser, as the operator named them.
///
/// @param named each exactly as browsers send it in `Origin`; none by default
public record NamedOrigins(Set<String> named) {

    public NamedOrigins {
        named = Set.copyOf(named);
    }

    public boolean contains(String origin) {
        return named.contains(origin);
    }
}

package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.InvalidMember;

import tools.jackson.databind.JsonNode;

import java.util.Comparator;
import java.util.Map;

/// One request of a batch as it is read: put together from what was said of it and of all.
///
/// @param body not checked yet; may be any JSON value
/// @param pointer where the client said it
/// @param places where it said what is not the request's own, such as `#/defaults/width`, by its
///   place in the body, such as `width`
record Draft(JsonNode body, String pointer, Map<String, String> places) {

    Draft {
        places = Map.copyOf(places);
    }

    /// The mistake where the client made it.
    InvalidMember located(InvalidMember found) {
        var own = pointer + "/";
        if (!found.pointer().startsWith(own)) {
            return found;
        }
        var inside = found.pointer().substring(own.length());
        return places.entrySet().stream()
                .filter(place -> (inside + "/").startsWith(place.getKey() + "/"))
                .max(Comparator.comparingInt(place -> place.getKey().length()))
                .map(place ->
                        at(place.getValue() + inside.substring(place.getKey().length()), found))
                .orElse(found);
    }

    private static InvalidMember at(String place, InvalidMember found) {
        return new InvalidMember(
                place,
                found.code(),
                found.detail(),
                found.params(),
                found.nodeId(),
                found.classType());
    }
}

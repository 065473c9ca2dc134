package dev.comfyapi.api.http;

import com.fasterxml.jackson.annotation.JsonInclude;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/// One place of a body that is not valid.
///
/// @param pointer JSON pointer as a URI fragment, such as `#/requests/3/width`
/// @param code the stable machine word
/// @param detail one sentence without the member's name
/// @param params every value that appears in `detail`
/// @param nodeId the node of a graph that it concerns; null elsewhere
/// @param classType that node's class; null elsewhere
public record InvalidMember(
        String pointer,
        String code,
        String detail,
        Map<String, Object> params,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String nodeId,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String classType) {

    public InvalidMember {
        params = Map.copyOf(params);
    }

    public InvalidMember(String pointer, String code, String detail, Map<String, Object> params) {
        this(pointer, code, detail, params, null, null);
    }
}

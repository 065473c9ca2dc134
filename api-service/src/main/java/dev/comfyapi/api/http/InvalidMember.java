package dev.comfyapi.api.http;

import java.util.Map;

/// One place of a body that is not valid.
///
/// @param pointer JSON pointer as a URI fragment, such as `#/requests/3/width`
/// @param code the stable machine word
/// @param detail one sentence without the member's name
/// @param params every value that appears in `detail`
public record InvalidMember(
        String pointer, String code, String detail, Map<String, Object> params) {

    public InvalidMember {
        params = Map.copyOf(params);
    }
}

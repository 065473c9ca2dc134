package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Requests that were listed one by one. What one of them does not say, the defaults say.
///
/// @param defaults an object
record ItemDrafts(JsonNode defaults, List<Members.Element> items) implements Drafts {

    static final String DEFAULTS = "#/defaults";

    ItemDrafts {
        items = List.copyOf(items);
    }

    @Override
    public int count() {
        return items.size();
    }

    @Override
    public void forEach(Look look) {
        for (var item : items) {
            if (!look.at(draft(item))) {
                return;
            }
        }
    }

    private Draft draft(Members.Element item) {
        if (!(item.value() instanceof ObjectNode own) || defaults.isEmpty()) {
            return new Draft(item.value(), item.pointer(), Map.of());
        }
        var body = ((ObjectNode) defaults).objectNode();
        var places = new HashMap<String, String>();
        for (var member : defaults.properties()) {
            if (!own.has(member.getKey())) {
                body.set(member.getKey(), member.getValue());
                var name = Problems.escaped(member.getKey());
                places.put(name, DEFAULTS + "/" + name);
            }
        }
        body.setAll(own);
        return new Draft(body, item.pointer(), places);
    }
}

package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

/// What stays the same over restarts.
///
/// @param previews whether sampling sends previews unless a prompt says otherwise
/// @param metadata whether pictures carry their graph
record Settings(
        Timing timing,
        ServerFolders disk,
        ModelFolders models,
        NodeSignatures signatures,
        Faults faults,
        boolean previews,
        boolean metadata) {

    static final long MAX_UPLOAD = 100L * 1024 * 1024;

    ObjectNode features() {
        var features =
                Json.object()
                        .put("supports_preview_metadata", true)
                        .put("supports_model_type_tags", true)
                        .put("max_upload_size", MAX_UPLOAD);
        features.putObject("extension").putObject("manager").put("supports_v4", true);
        return features.put("node_replacements", true).put("assets", false);
    }
}

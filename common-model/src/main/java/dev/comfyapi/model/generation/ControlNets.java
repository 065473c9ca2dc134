package dev.comfyapi.model.generation;

/// Step 5: pictures that guide the composition, one after the other.
final class ControlNets {

    private ControlNets() {}

    static Conditioning apply(
            GraphBuilder graph, Conditioning plain, LoadedModel model, GenerationRequest request) {
        var guided = plain;
        for (int i = 0; i < request.controlNets().size(); i++) {
            var net = request.controlNets().get(i);
            var id = "control" + (i + 1);
            var loaded =
                    graph.add(id + "_model", "ControlNetLoader")
                            .with("control_net_name", net.model())
                            .output();
            var picture = graph.add(id + "_image", "LoadImage").with("image", net.image()).output();
            var node =
                    graph.add(id, "ControlNetApplyAdvanced")
                            .with("positive", guided.positive())
                            .with("negative", guided.negative())
                            .with("control_net", loaded)
                            .with("image", picture)
                            .with("strength", net.strength())
                            .with("start_percent", net.start())
                            .with("end_percent", net.end());
            if (needsDecoder(request.family())) {
                node.with("vae", model.vae());
            }
            guided = new Conditioning(node.output(0), node.output(1));
        }
        return guided;
    }

    private static boolean needsDecoder(ModelFamily family) {
        return switch (family) {
            case SD3, FLUX, FLUX_SCHNELL -> true;
            case SD15, SDXL -> false;
        };
    }
}

package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GenerationRequest.Upscale;
import dev.comfyapi.model.generation.GraphBuilder.Output;

/// Sizes in pixels: what is painted first, what a second pass paints, what is wanted in the end.
///
/// A model paints in steps of its own grid only: what goes beyond the wanted size is cut away.
///
/// @param painted on the model's grid
/// @param enlarged on the model's grid; as painted when there is no second pass
/// @param wanted what the client gets, before a model may enlarge it
record Canvas(Size painted, Size enlarged, Size wanted) {

    record Size(int width, int height) {

        Size onGrid(ModelFamily family) {
            return new Size(family.onGrid(width), family.onGrid(height));
        }
    }

    static Canvas of(GenerationRequest request) {
        var asked = new Size(request.width(), request.height());
        var wanted =
                request.upscale() instanceof Upscale.SecondPass pass
                        ? new Size(pass.enlarged(asked.width), pass.enlarged(asked.height))
                        : asked;
        return new Canvas(asked.onGrid(request.family()), wanted.onGrid(request.family()), wanted);
    }

    /// The picture at the wanted size.
    Output cut(GraphBuilder graph, Output picture) {
        return enlarged.equals(wanted) ? picture : scaled(graph, "cut", picture, "lanczos", wanted);
    }

    /// The picture cut to the proportions of this size, and scaled to it.
    static Output scaled(GraphBuilder graph, String id, Output picture, String method, Size size) {
        return graph.add(id, "ImageScale")
                .with("image", picture)
                .with("upscale_method", method)
                .with("width", size.width)
                .with("height", size.height)
                .with("crop", "center")
                .output();
    }
}

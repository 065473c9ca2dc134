package dev.comfyapi.simulator;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What each class of nodes does. Classes nobody wrote anything for hand plausible values through.
final class Works {

    static final Works ALL = new Works();

    private final Map<String, NodeWork> byClass = new HashMap<>();

    private Works() {
        var painter = new Painter();
        byClass.putAll(ImageNodes.works());
        byClass.putAll(MaskNodes.works());
        byClass.putAll(ModelNodes.works());
        byClass.putAll(new SamplingNodes(painter).works());
        byClass.putAll(SavingNodes.works());
        byClass.putAll(MediaNodes.works());
        byClass.putAll(TrainingNodes.works());
        byClass.putAll(TextNodes.works());
        byClass.putAll(TestNodes.works());
    }

    NodeWork of(NodeClass nodeClass) {
        return byClass.getOrDefault(nodeClass.name(), Works::passThrough);
    }

    /// Each output is the first input of its type, or else a made-up value.
    private static List<Value> passThrough(NodeCall call) {
        var values = new ArrayList<Value>();
        for (var output : call.nodeClass().outputs()) {
            values.add(plausible(output.type(), call));
        }
        return values;
    }

    private static Value plausible(String type, NodeCall call) {
        for (var value : call.values()) {
            if (fits(type, value)) {
                return value;
            }
        }
        return switch (type) {
            case "IMAGE" -> new Value.Pictures(List.of(Picture.filled(64, 64, 0x808080)));
            case "MASK" -> new Value.Masks(Mask.filled(64, 64, 0));
            case "LATENT" -> Value.Latent.empty(512, 512, 1);
            case "CONDITIONING" -> new Value.Conditioning("", List.of());
            case "AUDIO" -> new Value.Sound(1, 44_100, 2);
            case "VIDEO" -> new Value.Video(List.of(Picture.filled(64, 64, 0x808080)), 24);
            case "MODEL" -> new Value.Model(call.nodeClass().name(), List.of());
            case "SAMPLER" -> new Value.Sampler("euler");
            case "SIGMAS" -> new Value.Sigmas("normal", 20, 1);
            case "NOISE" -> new Value.Noise(BigInteger.ZERO);
            case "INT" -> new Value.Whole(BigInteger.ZERO);
            case "FLOAT" -> new Value.Real(0);
            case "BOOLEAN" -> new Value.Truth(false);
            case "STRING" -> new Value.Text("");
            default -> new Value.Token(type, call.nodeClass().name());
        };
    }

    private static boolean fits(String type, Value value) {
        return switch (value) {
            case Value.Pictures _ -> type.equals("IMAGE");
            case Value.Masks _ -> type.equals("MASK");
            case Value.Latent _ -> type.equals("LATENT");
            case Value.Conditioning _ -> type.equals("CONDITIONING");
            case Value.Sound _ -> type.equals("AUDIO");
            case Value.Video _ -> type.equals("VIDEO");
            case Value.Model _ -> type.equals("MODEL");
            case Value.Sampler _ -> type.equals("SAMPLER");
            case Value.Sigmas _ -> type.equals("SIGMAS");
            case Value.Noise _ -> type.equals("NOISE");
            case Value.Guider _ -> type.equals("GUIDER");
            case Value.Token(var tokenType, _) -> type.equals(tokenType);
            case Value.Text _ -> type.equals("STRING");
            case Value.Whole _ -> type.equals("INT");
            case Value.Real _ -> type.equals("FLOAT");
            case Value.Truth _ -> type.equals("BOOLEAN");
        };
    }
}

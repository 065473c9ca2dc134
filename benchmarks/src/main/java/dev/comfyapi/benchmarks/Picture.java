package dev.comfyapi.benchmarks;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.PictureGraph;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import java.util.List;

/// A usual request for a picture.
public final class Picture {

    private static final TimeBasedEpochGenerator IDS = Generators.timeBasedEpochGenerator();

    public static final Graph GRAPH =
            PictureGraph.of(
                    new GenerationRequest(
                            "a red bicycle leaning on a brick wall in the morning light",
                            "blurry",
                            512,
                            512,
                            20,
                            GenerationRequest.DEFAULT_CFG_SCALE,
                            "euler",
                            "normal",
                            new Seed(42),
                            "sd15.safetensors",
                            1,
                            List.of()));

    static final String PARAMS =
            """
            {"prompt": "a red bicycle leaning on a brick wall in the morning light", "width": 512, "height": 512}
            """;

    private Picture() {}

    static JobId newId() {
        return new JobId(IDS.generate());
    }

    public static NewJob job(int classId) {
        return new NewJob(
                newId(),
                classId,
                Priority.NORMAL,
                GRAPH,
                PARAMS,
                "{}",
                List.of(),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                3,
                60_000,
                false,
                null);
    }
}

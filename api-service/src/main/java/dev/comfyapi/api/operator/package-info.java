/// What operators see and do: workers, pools, pauses, figures for autoscaling.
@NullMarked
package dev.comfyapi.api.operator;

import org.jspecify.annotations.NullMarked;

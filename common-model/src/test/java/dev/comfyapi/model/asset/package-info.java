@org.jspecify.annotations.NullMarked
package dev.comfyapi.model.asset;

/** A place to drop a file on, or to choose one. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icons";

interface DropFileProps {
  onFile: (file: File) => void;
  disabled?: boolean;
  /** Below: which files, and what happens to them. */
  children?: ComponentChildren;
}

/** `<DropFile onFile={upload}>CSV or Parquet, up to 5 GB.</DropFile>` */
export function DropFile({ onFile, disabled = false, children }: DropFileProps) {
  const [isOver, setOver] = useState(false);

  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file && !disabled) onFile(file);
  }

  return (
    <div class={isOver ? "drop is-over" : "drop"} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <Icon name="upload" size={28} />
      <label>
        <strong>Drop a file here, or choose one</strong>
        <input type="file" disabled={disabled} onChange={(event) => { const file = event.currentTarget.files?.[0]; if (file) onFile(file); }} />
      </label>
      {children && <p class="muted small">{children}</p>}
    </div>
  );
}

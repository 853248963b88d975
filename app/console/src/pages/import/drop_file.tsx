/** A place to drop a file on, or to choose one. */
import { useState } from "preact/hooks";
import { Icon } from "../../components";

export function DropFile({ onFile }: { onFile: (file: File) => void }) {
  const [isOver, setOver] = useState(false);

  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  }

  return (
    <div class={isOver ? "import-drop is-over" : "import-drop"} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <Icon name="upload" size={28} />
      <label>
        <strong>Drop a file here, or choose one</strong>
        <input type="file" onChange={(event) => { const file = event.currentTarget.files?.[0]; if (file) onFile(file); }} />
      </label>
      <p class="muted small">
        CSV, TSV, JSON Lines or Parquet, also compressed, up to 5 GB. You see what its columns become before anything is stored.
      </p>
    </div>
  );
}

// What a rendered dashboard may hold, put together from Grafana's own types. `derive` makes `schema.json` of it, and
// `tests/dashboards.rs` holds every rendered dashboard against that.
//
// The types of @grafana/schema leave open what a plugin defines: a panel's `options` and `custom`, a query, the options of
// a transformation. Here each is closed: by the plugin's own type where Grafana publishes one, by hand where it does not
// (the Prometheus data source, transformations, the ids of overrides). A new kind of panel is one line more.

import type {
  AnnotationQuery,
  Dashboard as AnyDashboard,
  DataQuery,
  FieldColor,
  FieldConfig,
  LineStyle,
  Panel as AnyPanel,
  RowPanel as AnyRowPanel,
  TableCellOptions,
  ThresholdsConfig,
  ValueMapping,
  VariableModel,
} from '@grafana/schema';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** The page itself; its panels are looked at one by one, so that a fault names the panel. */
export interface Dashboard extends Omit<AnyDashboard, 'annotations' | 'panels' | 'templating' | 'uid' | 'title'> {
  uid: string;
  title: string;
  annotations: { list: Annotation[] };
  panels: unknown[];
  templating: { list: Array<Chosen | Asked> };
}

/** The kinds of panels, by `type`. */
export interface Panels {
  heatmap: Drawn<heatmap.Options, heatmap.FieldConfig>;
  row: Omit<AnyRowPanel, 'panels'> & { panels: unknown[] };
  stat: Drawn<stat.Options>;
  'state-timeline': Drawn<stateTimeline.Options, stateTimeline.FieldConfig>;
  table: Drawn<table.Options, table.FieldConfig>;
  text: Shown<text.Options>;
  timeseries: Drawn<timeSeries.Options, timeSeries.FieldConfig>;
}

interface Shown<Options, Custom = Record<string, never>>
  extends Omit<AnyPanel, 'options' | 'fieldConfig' | 'targets' | 'transformations' | 'datasource'> {
  options: Options;
  fieldConfig: { defaults: Field<Custom>; overrides: unknown[] };
}

interface Drawn<Options, Custom = Record<string, never>> extends Shown<Options, Custom> {
  datasource: Prometheus;
  targets: Query[];
  transformations?: Transformation[];
}

interface Field<Custom> extends Omit<FieldConfig, 'actions' | 'custom' | 'links'> {
  custom?: Custom;
  links?: Link[];
}

/** A link of a value, not of a page. */
interface Link {
  title: string;
  url: string;
  targetBlank?: boolean;
}

/** What a panel does otherwise for some of its columns or lines. */
export interface Override {
  matcher: { id: 'byName' | 'byFrameRefID'; options: string };
  properties: Property[];
}

type Property =
  | { id: 'displayName' | 'noValue' | 'unit'; value: string }
  | { id: 'decimals' | 'custom.width' | 'custom.lineWidth'; value: number }
  | { id: 'color'; value: FieldColor }
  | { id: 'links'; value: Link[] }
  | { id: 'mappings'; value: ValueMapping[] }
  | { id: 'thresholds'; value: ThresholdsConfig }
  | { id: 'custom.cellOptions'; value: TableCellOptions }
  | { id: 'custom.hideFrom.viz'; value: boolean }
  | { id: 'custom.lineStyle'; value: LineStyle };

type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

interface Prometheus {
  type: 'prometheus';
  uid: string;
}

/** As the editor of the Prometheus data source saves it. */
interface Query extends Omit<DataQuery, 'datasource'> {
  datasource: Prometheus;
  editorMode: 'code';
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  legendFormat?: string;
  interval?: string;
}

interface Annotation extends Omit<AnnotationQuery, 'target' | 'datasource' | 'snapshotData'> {
  datasource: Prometheus;
  target: { refId: string; expr: string; interval: string; legendFormat: string };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
}

/** A variable whose values are known. */
interface Chosen extends Omit<VariableModel, 'type' | 'query' | 'datasource'> {
  type: 'custom' | 'constant';
  query: string;
}

/** A variable whose values Prometheus knows. */
interface Asked extends Omit<VariableModel, 'type' | 'query' | 'datasource'> {
  type: 'query';
  datasource: Prometheus;
  definition: string;
  query: { qryType: number; query: string; refId: string };
}
